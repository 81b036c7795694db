import Files
import Jobs
import Weights

/// `best_checkpoint`: the validation pictures of every LoRA that was kept, the last one too, scored by Detect-and-Compare.
///
/// Pictures that are there stay, those made during the training among them; so do the scores of pictures that have not
/// changed since.
struct CheckpointComparison {
    let tools: RunTools
    /// The second of two rounds, and what was compared in the first.
    let round: Int?, earlier: [CheckpointScores.Checkpoint]

    /// The adapters are afterwards as they were.
    /// - Throws: `StopRequest.Stopped`, `PictureScores.Unscored`, and what reading a LoRA and writing a picture throws.
    func run() throws -> CheckpointScores {
        guard let scorer = tools.scores else { preconditionFailure("CheckpointComparison: no models to score with") }
        let (directory, images, adapters, planned) = (tools.directory, tools.images, tools.training.adapters, tools.renders.validation)
        let last = tools.job.specification.maxTrainSteps
        let saved: [(step: Int, folder: Int?)] = try directory.savedSteps(before: last).map { ($0, $0) } + [(last, nil)]
        try adapters.restoring {
            for (step, folder) in saved {
                try adapters.load(LoRAFile.read(directory.diffusersFile(step: folder)), layersPerBlock: tools.layersPerBlock)
                try images.render(
                    planned, prefix: RunDirectory.validationPrefix(step), adapters: adapters, keepsOld: true, shouldStop: { StopRequest.shared.isSet })
                if StopRequest.shared.isSet { throw StopRequest.Stopped() }
            }
        }
        let all = saved.flatMap { one in planned.indices.map { images.path(RunDirectory.validationPrefix(one.step), $0) } }
        let scored = try scorer.of(all) { "scoring \($0) pictures of the saved LoRAs" }.pictures
        let outcome = CheckpointScores(
            earlier + saved.enumerated().map { i, one in
                .init(
                    round: round, step: one.step, files: directory.loraFiles(step: one.folder),
                    pictures: Array(scored[i * planned.count..<(i + 1) * planned.count]))
            }, contactSheet: directory.relative(directory.checkpointSheet))
        try sheet(outcome).write(to: directory.checkpointSheet)
        outcome.checkpoints.forEach { tools.progress.say(.score, "\($0.name): \($0.score.threeDigits)") }
        tools.progress.say(.score, outcome.sentence)
        return outcome
    }

    /// A row for each LoRA; the best comes first, as the sheet may not have room for all.
    private func sheet(_ outcome: CheckpointScores) throws -> ContactSheet {
        ContactSheet(
            references: try ContactSheet.references(tools.composer.subjects),
            rows: try (outcome.checkpoints.filter { $0 == outcome.best } + outcome.checkpoints.filter { $0 != outcome.best }).map { one in
                let cells = try zip(one.pictures, tools.renders.validation).map { picture, plan in
                    try ContactSheet.Cell(
                        tools.directory.path + "/" + picture.file, name: picture.file, caption: "seed \(plan.request.seed) · \(picture.score.threeDigits)")
                }
                return ("\(one.name): \(one.score.threeDigits)" + (one == outcome.best ? ", the best" : ""), cells)
            })
    }
}
