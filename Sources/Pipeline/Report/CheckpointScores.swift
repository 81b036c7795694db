import Foundation

/// `best_checkpoint` in `report.json`: the LoRA whose pictures keep the subjects apart best, and what was compared.
struct CheckpointScores: Codable, Equatable {
    struct Checkpoint: Codable, Equatable {
        /// Where there are two.
        var round: Int?
        let step: Int
        /// The mean of its pictures.
        let score: Double
        /// Relative to the result's folder, diffusers' first.
        var files: [String]
        var pictures: [ReportScores.Picture]

        init(round: Int? = nil, step: Int, files: [String], pictures: [ReportScores.Picture]) {
            precondition(!pictures.isEmpty, "CheckpointScores: step \(step) without pictures")
            (self.round, self.step, self.files, self.pictures) = (round, step, files, pictures)
            score = pictures.reduce(0) { $0 + $1.score } / Double(pictures.count)
        }

        /// `step 400`, `round 1, step 400`.
        var name: String { (round.map { "round \($0), " } ?? "") + "step \(step)" }
    }

    var round: Int?
    let step: Int
    let score: Double
    let files: [String]
    let contactSheet: String
    /// In the order of their rounds and steps.
    let checkpoints: [Checkpoint]

    private enum CodingKeys: String, CodingKey { case round, step, score, files, contactSheet = "contact_sheet", checkpoints }

    /// The best has the highest score; of equals it is the last.
    init(_ checkpoints: [Checkpoint], contactSheet: String) {
        precondition(!checkpoints.isEmpty, "CheckpointScores: nothing to compare")
        let best = checkpoints.reduce(checkpoints[0]) { $1.score >= $0.score ? $1 : $0 }
        (round, step, score, files) = (best.round, best.step, best.score, best.files)
        (self.checkpoints, self.contactSheet) = (checkpoints, contactSheet)
    }

    var best: Checkpoint { checkpoints.first { $0.files == files }! }

    /// Whether there is anything that speaks for one of them.
    var tellsApart: Bool { checkpoints.contains { $0.score != score } }

    var sentence: String {
        let name = "\(files.joined(separator: ", ")) (\(best.name))", number = score.threeDigits
        if checkpoints.count == 1 { return "best checkpoint: \(name), the only one, scores \(number)" }
        return tellsApart
            ? "best checkpoint: \(name) scores \(number)"
            : "best checkpoint: all \(checkpoints.count) LoRAs score \(number), so nothing speaks for one of them; named is the last, \(name)"
    }
}

extension Double {
    /// As scores are said: `0.417`.
    var threeDigits: String { String(format: "%.3f", self) }
}
