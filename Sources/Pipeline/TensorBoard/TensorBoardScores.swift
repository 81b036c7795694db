import Files
import Foundation

/// Detect-and-Compare as scalars beside the event file of the training. They are known only at the end, all at once: a file of
/// their own is written whole, and written again after a stop it is not there twice.
struct TensorBoardScores {
    let final: ReportScores?
    /// The step of the LoRA that the final pictures were drawn with.
    let after: Int
    let checkpoints: [CheckpointScores.Checkpoint]

    /// The mean of the final pictures, and each of them; the mean of every compared LoRA's validation pictures over its step.
    private static let final = "final/detect_and_compare", validation = "validation/detect_and_compare"

    init(final: ReportScores?, after step: Int, checkpoints: [CheckpointScores.Checkpoint]) { (self.final, after, self.checkpoints) = (final, step, checkpoints) }

    /// Writes nothing where there are no scores.
    /// - Throws: `FileError`.
    func write(to folder: String) throws {
        guard final != nil || !checkpoints.isEmpty else { return }
        let time = Date().timeIntervalSince1970
        var messages = [TensorBoardEvent.version(time: time)]
        for one in checkpoints { messages.append(TensorBoardEvent.scalars([(tag: Self.validation, value: one.score)], step: one.step, time: time)) }
        if let final {
            // Numbered as the files are.
            let each = final.pictures.map { picture in
                (tag: Self.final + "/" + picture.file.split(separator: "/").last!.drop { !$0.isNumber }.prefix { $0.isNumber }, value: picture.score)
            }
            messages.append(TensorBoardEvent.scalars([(tag: Self.final, value: final.mean)] + each, step: after, time: time))
        }
        try Directory.create(folder)
        try AtomicFile.write(messages.reduce(into: Data()) { $0 += TensorBoardEvent.record($1) }, to: folder + "/" + TensorBoardFile.name + ".scores")
    }
}
