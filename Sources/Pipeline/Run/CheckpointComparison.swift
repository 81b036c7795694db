import Files
import Foundation
import Jobs
import SegMix
import Vision
import Weights

/// `best_checkpoint`: the validation pictures of every LoRA that was kept, the last one too, scored by Detect-and-Compare.
///
/// Pictures that are there stay, those made during the training among them; so do the scores of pictures that have not
/// changed since.
struct CheckpointComparison {
    let job: Job
    let subjects: SubjectSet
    let directory: RunDirectory
    let models: ScoringModels
    let adapters: AdapterSet
    let layersPerBlock: Int?
    let images: SampleRenderer
    /// What is rendered from each LoRA.
    let planned: [PlannedPicture]
    let progress: ProgressReporter

    /// The pictures could not be scored.
    struct Unscored: Error, CustomStringConvertible {
        let reason: String
        var description: String { "best_checkpoint: the saved LoRAs could not be compared: \(reason)" }
    }

    /// The adapters are afterwards as they were.
    /// - Throws: `ScoringModels.Stopped`, `Unscored`, and what reading a LoRA and writing a picture throws.
    func run() throws -> CheckpointScores {
        let last = job.specification.maxTrainSteps
        let saved: [(step: Int, folder: Int?)] = try directory.savedSteps(before: last).map { ($0, $0) } + [(last, nil)]
        try adapters.restoring {
            for (step, folder) in saved {
                try adapters.load(LoRAFile.read(directory.diffusersFile(step: folder)), layersPerBlock: layersPerBlock)
                try images.render(
                    planned, prefix: RunDirectory.validationPrefix(step), adapters: adapters, keepsOld: true, shouldStop: { StopRequest.shared.isSet })
                if StopRequest.shared.isSet { throw ScoringModels.Stopped() }
            }
        }
        let scores: [String: ReportScores.Picture]
        do {
            scores = try score(saved.flatMap { paths($0.step) })
        } catch let error where !(error is ScoringModels.Stopped) {
            throw Unscored(reason: "\(error)")
        }
        let outcome = CheckpointScores(
            saved.map { step, folder in
                let files = [directory.diffusersFile(step: folder), directory.kohyaFile(step: folder)].filter { Folder.exists($0) }
                return .init(step: step, files: files.map(directory.relative), pictures: paths(step).map { scores[$0]! })
            }, contactSheet: directory.relative(directory.checkpointSheet))
        try sheet(outcome).write(to: directory.checkpointSheet)
        outcome.checkpoints.forEach { progress.say(.score, String(format: "step %ld: %.3f", $0.step, $0.score)) }
        progress.say(.score, outcome.sentence)
        return outcome
    }

    private func paths(_ step: Int) -> [String] {
        planned.indices.map { directory.samples + "/" + RunDirectory.validationPrefix(step) + String(format: "-%02d.png", $0) }
    }

    /// The scores of pictures by path, each written down as soon as it is known.
    private func score(_ paths: [String]) throws -> [String: ReportScores.Picture] {
        let threshold = ScoreJob.defaultThreshold, overlap = OWLv2.defaultOverlap
        var known = try KnownScores(directory.checkpointScores, job, models, settings: "\(threshold) \(overlap)")
        var scores: [String: ReportScores.Picture] = [:]
        for path in paths { scores[path] = try known.score(of: path, file: directory.relative(path)) }
        let unknown = paths.filter { scores[$0] == nil }
        guard !unknown.isEmpty else { return scores }
        progress.say(.score, "scoring \(unknown.count) pictures of the saved LoRAs")
        let work = try ScoreJob(job, models: models, images: unknown, queries: [], threshold: threshold, overlap: overlap)
        _ = try work.run(shouldStop: { StopRequest.shared.isSet }) { index, picture in
            let score = ReportScores.Picture(picture, file: directory.relative(picture.image))
            scores[picture.image] = score
            try known.add(score, of: picture.image)
            progress.step(ProgressLine(phase: .score, step: index + 1, total: unknown.count))
        }
        return scores
    }

    /// A row for each LoRA.
    private func sheet(_ outcome: CheckpointScores) throws -> ContactSheet {
        func number(_ score: Double) -> String { String(format: "%.3f", score) }
        return ContactSheet(
            references: try ContactSheet.references(subjects),
            rows: try outcome.checkpoints.map { one in
                let cells = try zip(one.pictures, planned).map { picture, plan in
                    try ContactSheet.Cell(
                        directory.path + "/" + picture.file, name: picture.file, caption: "seed \(plan.request.seed) · \(number(picture.score))")
                }
                return ("step \(one.step): \(number(one.score))" + (one.step == outcome.step ? ", the best" : ""), cells)
            })
    }
}
