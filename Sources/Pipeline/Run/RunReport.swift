import Files
import Foundation
import Jobs

/// `report.json`: what was asked, what came out, what it cost.
struct RunReport {
    let job: Job
    let modelPath: String
    let directory: RunDirectory
    let losses: [(step: Int, loss: Double)]
    let notes: [String]
    let began: Date
    let peakTensorBytes: Int
    let samples: [String]

    private struct Contents: Encodable {
        struct Point: Encodable { let step: Int, loss: Double }
        let name: String, model: String
        let subjects: [String: String]
        let files: [String], samples: [String]
        let settings: JobSpecification
        let loss: [Point]
        let warnings: [String]
        let started: Date, finished: Date
        let seconds: Double
        let peakTensorBytes: Int, peakResidentBytes: Int

        enum CodingKeys: String, CodingKey {
            case name, model, subjects, files, samples, settings, loss, warnings, started, finished, seconds
            case peakTensorBytes = "peak_tensor_bytes", peakResidentBytes = "peak_resident_bytes"
        }
    }

    func write() throws {
        let now = Date()
        let lora = [directory.diffusersFile(), directory.kohyaFile()].filter { Folder.exists($0) }
        let contents = Contents(
            name: job.name, model: modelPath, subjects: Dictionary(uniqueKeysWithValues: job.photos.subjects.map { ($0.key, $0.phrase) }),
            files: lora.map(relative), samples: samples.map(relative), settings: job.specification,
            loss: losses.map { .init(step: $0.step, loss: $0.loss) }, warnings: job.warnings + notes, started: began, finished: now,
            seconds: now.timeIntervalSince(began), peakTensorBytes: peakTensorBytes, peakResidentBytes: Self.peakResidentBytes)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        try AtomicFile.write(encoder.encode(contents), to: directory.report)
    }

    private func relative(_ path: String) -> String { path.hasPrefix(directory.path + "/") ? String(path.dropFirst(directory.path.count + 1)) : path }

    /// The most memory this process has held, from getrusage(2).
    static var peakResidentBytes: Int {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss * 1024
    }
}
