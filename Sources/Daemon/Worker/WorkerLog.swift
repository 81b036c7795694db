import Files
import Foundation
import Jobs
import JobStore
import Synchronization

/// A run's `job.log`: what the worker says, and about once a minute how far it is.
final class WorkerLog: Sendable {
    private let file: LogFile
    /// How long the log was when it was opened, in bytes.
    let start: Int
    private struct State {
        var pace = LogPace()
        var latest: ProgressLine?
        var secondsPerStep = 0.0
        /// When something was said last. The time in which the whole machine slept does not count.
        var heard = SuspendingClock.now
    }
    private let state = Mutex(State())

    /// Opens the log, appending to what an earlier attempt wrote.
    /// - Throws: `FileError`, also where something else than an ordinary file lies there.
    init(_ path: String) throws(FileError) {
        try StateDirectory.create(Directory.parent(of: path))
        file = try LogFile(path)
        start = file.size
    }

    /// For the worker's standard error.
    var descriptor: Int32 { file.descriptor }

    /// The last progress that was told.
    var latest: ProgressLine? { state.withLock { $0.latest } }

    /// What a training step takes, as it was said last; 0: nothing was said of it yet.
    var secondsPerStep: Double { state.withLock { $0.secondsPerStep } }

    /// How long nothing has been said.
    var silence: Duration { SuspendingClock.now - state.withLock { $0.heard } }

    /// One line of the worker's standard output.
    func take(_ line: String) {
        state.withLock { $0.heard = SuspendingClock.now }
        guard let progress = ProgressLine(line: line) else { return write(line) }
        let isWorthALine = state.withLock { state in
            state.latest = progress
            if let seconds = progress.secondsPerStep { state.secondsPerStep = seconds }
            return state.pace.isWorthALine(progress)
        }
        if isWorthALine { write(progress.sentence) }
    }

    func write(_ line: String) { file.write(line) }

    /// Longer than this it is put aside as `.log.1`, in the place of the one before.
    static let longest = 16 << 20

    /// The worker itself holds the file open, so its contents move, not the file; it is opened for appending.
    func rotate(longest: Int = longest) {
        guard file.size > longest else { return }
        // A log on a full disk is no reason to stop a job; it is cut off all the same.
        _ = try? AtomicFile.write(to: file.path + ".1") { output in
            guard let handle = FileHandle(forReadingAtPath: file.path) else { return }
            defer { try? handle.close() }
            while let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty { try output.write(piece) }
        }
        ftruncate(descriptor, 0)
    }

    /// The end of the log without its empty lines and how far the worker was, for an error that nobody explained.
    /// - Parameter start: where the last attempt's part begins, in bytes; a log that is shorter was put aside since.
    static func lastWords(of path: String, from start: Int = 0, lines: Int = 8) -> String {
        guard let handle = FileHandle(forReadingAtPath: path) else { return "" }
        defer { try? handle.close() }
        let size = (try? handle.seekToEnd()) ?? 0
        try? handle.seek(toOffset: max(size > 131_072 ? size - 131_072 : 0, start <= Int(size) ? UInt64(start) : 0))
        let text = String(decoding: (try? handle.readToEnd()) ?? Data(), as: UTF8.self)
        return text.split(separator: "\n").filter { !ProgressLine.isStep($0) }.suffix(lines).joined(separator: "\n")
    }
}
