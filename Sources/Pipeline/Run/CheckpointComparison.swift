import Files
import Foundation
import Jobs
import SegMix
import Weights

/// `best_checkpoint`: the validation pictures of every LoRA that was kept, the last one too, scored by Detect-and-Compare.
///
/// Pictures that are there stay, those made during the training among them; so do the scores of pictures that have not
/// changed since.
struct CheckpointComparison {
    let job: Job
    let subjects: SubjectSet
    let directory: RunDirectory
    let scores: PictureScores
    let adapters: AdapterSet
    let layersPerBlock: Int?
    let images: SampleRenderer
    /// What is rendered from each LoRA.
    let planned: [PlannedPicture]
    /// The second of two rounds, and what was compared in the first.
    let round: Int?, earlier: [CheckpointScores.Checkpoint]
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
        let all = saved.flatMap { paths($0.step) }, scored: [ReportScores.Picture]
        do {
            scored = try scores.of(all) { "scoring \($0) pictures of the saved LoRAs" }.pictures
        } catch let error where !(error is ScoringModels.Stopped) && !JobFailure.mayPass(error) {
            throw Unscored(reason: "\(error)")
        }
        let outcome = CheckpointScores(
            earlier + saved.enumerated().map { i, one in
                .init(
                    round: round, step: one.step, files: directory.loraFiles(step: one.folder),
                    pictures: Array(scored[i * planned.count..<(i + 1) * planned.count]))
            }, contactSheet: directory.relative(directory.checkpointSheet))
        try sheet(outcome).write(to: directory.checkpointSheet)
        outcome.checkpoints.forEach { progress.say(.score, "\($0.name): " + String(format: "%.3f", $0.score)) }
        progress.say(.score, outcome.sentence)
        return outcome
    }

    private func paths(_ step: Int) -> [String] {
        planned.indices.map { directory.samples + "/" + RunDirectory.validationPrefix(step) + String(format: "-%02d.png", $0) }
    }

    /// A row for each LoRA; the best comes first, as the sheet may not have room for all.
    private func sheet(_ outcome: CheckpointScores) throws -> ContactSheet {
        func number(_ score: Double) -> String { String(format: "%.3f", score) }
        return ContactSheet(
            references: try ContactSheet.references(subjects),
            rows: try (outcome.checkpoints.filter { $0 == outcome.best } + outcome.checkpoints.filter { $0 != outcome.best }).map { one in
                let cells = try zip(one.pictures, planned).map { picture, plan in
                    try ContactSheet.Cell(
                        directory.path + "/" + picture.file, name: picture.file, caption: "seed \(plan.request.seed) · \(number(picture.score))")
                }
                return ("\(one.name): \(number(one.score))" + (one == outcome.best ? ", the best" : ""), cells)
            })
    }
}
