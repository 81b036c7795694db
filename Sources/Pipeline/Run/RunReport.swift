import Files
import Foundation
import Jobs

/// `report.json` and `report.html`: what was asked, what came out, what it cost.
struct RunReport {
    let job: Job
    /// Of the folder as it was before anything was made for it.
    let inputs: String
    let modelPath: String
    let directory: RunDirectory
    /// Of the last round.
    let result: TrainingRound.Result
    /// Where there were to be two.
    let rounds: RoundsReport?
    /// Of the preparation.
    let notes: [String]
    let clock: RunClock
    let memory: RunMemory

    func write() throws {
        let contents = try contents()
        try AtomicFile.write(ReportPage(contents: contents, job: job, folder: directory.path).html().description, to: directory.page)
        try AtomicFile.write(JSONEncoder([.prettyPrinted, .sortedKeys, .withoutEscapingSlashes], dates: .iso8601).encode(contents), to: directory.report)
    }

    private func contents() throws -> ReportContents {
        let metrics = result.metrics, totals = try metrics.totals()
        let before = try MetricsFile(directory.firstRound + "/metrics.jsonl").totals().seconds
        let losses = try metrics.losses()
        return ReportContents(
            name: job.name, model: modelPath, subjects: Dictionary(uniqueKeysWithValues: job.photos.subjects.map { ($0.key, $0.phrase) }),
            files: directory.loraFiles(), saves: try directory.savedSteps(before: .max).map { .init(step: $0, files: directory.loraFiles(step: $0)) },
            samples: try directory.pictures().map(directory.relative), pictures: result.pictures,
            contactSheet: result.pictures.isEmpty ? nil : directory.relative(directory.contactSheet), masks: try directory.maskPictures().map(directory.relative),
            settings: job.specification, inputs: inputs, loss: losses.map { .init(step: $0.step, loss: $0.loss) }, composites: totals.composites, examples: totals.examples,
            scores: result.scores, bestCheckpoint: result.checkpoints, rounds: rounds, warnings: job.warnings + notes + result.notes, started: clock.started, finished: Date(), seconds: clock.worked,
            timings: .init(
                preparation: clock.preparation, training: totals.seconds + before, perStep: losses.isEmpty ? 0 : totals.seconds / Double(losses.count),
                rendering: clock.rendering),
            program: "segmixd \(Release.version)", machine: Self.machine, memory: memory)
    }

    /// The processor's name and how many of its cores there are.
    static var machine: String {
        let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(separator: "\n") ?? []
        let name = lines.first { $0.hasPrefix("model name") }?.split(separator: ":", maxSplits: 1).last.map { $0.trimmingCharacters(in: .whitespaces) }
        // arm64 names the machine instead.
        let board = (try? String(contentsOfFile: "/proc/device-tree/model", encoding: .utf8))?.trimmingCharacters(in: .controlCharacters)
        return "\(name ?? board ?? "an unknown processor"), \(ProcessInfo.processInfo.activeProcessorCount) cores"
    }
}
