import CPUDevice
import Files
import Foundation

/// How long a run has worked and how much memory it took at its worst, over all the processes it took: what one that was stopped
/// has spent is kept beside its resume points. Of one that was killed only what came after the last `keep` is missing, most of
/// which has to be done again.
final class RunClock {
    private struct Record: Codable {
        var started: Date
        /// Seconds.
        var worked = 0.0, preparing = 0.0, drawing = 0.0
        /// Bytes.
        var peakResident = 0, peakTensors = 0

        enum CodingKeys: String, CodingKey {
            case started, worked, preparing, drawing, peakResident = "peak_resident", peakTensors = "peak_tensors"
        }
    }

    private let path: String
    private let before: Record
    private let began: ContinuousClock.Instant
    private var drawing = 0.0
    /// nil: it has not made its first step yet.
    private var preparing: Double?
    /// What the tensors lie on, as soon as there are any.
    var device: CPUDevice?

    /// - Parameters:
    ///   - directory: where the run is made; its working folder is there.
    ///   - began: when this process began; the second is of a clock that no one can set.
    init(_ directory: RunDirectory, began: (date: Date, instant: ContinuousClock.Instant)) {
        path = directory.clock
        self.began = began.instant
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        before = FileManager.default.contents(atPath: path).flatMap { try? decoder.decode(Record.self, from: $0) } ?? Record(started: began.date)
    }

    private static func seconds(since start: ContinuousClock.Instant) -> Double { (ContinuousClock.now - start) / .seconds(1) }

    /// When the first process began.
    var started: Date { before.started }
    /// Seconds that processes were at it.
    var worked: Double { before.worked + Self.seconds(since: began) }
    /// Of these what came before the first step, and what went into pictures and their scores, on the way and at the end.
    var preparation: Double { before.preparing + (preparing ?? Self.seconds(since: began)) }
    var rendering: Double { before.drawing + drawing }

    /// Bytes: the larger of this process's and of those before.
    func peaks(resident: Int, tensors: Int) -> (resident: Int, tensors: Int) { (max(before.peakResident, resident), max(before.peakTensors, tensors)) }

    /// To be called when the first step is about to be made.
    func isPrepared() { preparing = Self.seconds(since: began) }

    /// Counts `body` as making and scoring pictures.
    func drawing<Result>(_ body: () throws -> Result) rethrows -> Result {
        let start = ContinuousClock.now
        defer { drawing += Self.seconds(since: start) }
        return try body()
    }

    /// Writes down what was spent up to now.
    /// - Throws: `FileError`.
    func keep() throws {
        let peaks = peaks(resident: ProcessMemory.now().peak, tensors: device?.peakBytes ?? 0)
        let record = Record(
            started: started, worked: worked, preparing: preparation, drawing: rendering, peakResident: peaks.resident, peakTensors: peaks.tensors)
        try AtomicFile.write(JSONEncoder(.sortedKeys, dates: .iso8601).encode(record), to: path)
    }
}
