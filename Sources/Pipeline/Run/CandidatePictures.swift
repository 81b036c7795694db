import Files
import Foundation
import Jobs

/// The pictures that may join the second round: drawn with the first round's LoRA, the best where it is known, and scored.
/// Pictures and scores that are there stay.
struct CandidatePictures {
    let tools: RunTools
    let result: TrainingRound.Result

    /// - Throws: `StopRequest.Stopped`, `PictureScores.Unscored`, and what reading a LoRA and writing a picture throws.
    func run() throws -> FirstRound {
        guard let scorer = tools.scores else { preconditionFailure("CandidatePictures: no models to score with") }
        let directory = tools.directory, drawn = try tools.draw(tools.renders.candidates, prefix: "candidate", lora: result.lora), paths = drawn.map { $0.path }
        let scores = try scorer.of(paths) { "scoring \($0) pictures that may join the second round" }.pictures
        var candidates = try drawn.indices.map { i in
            guard let bytes = FileManager.default.contents(atPath: paths[i]) else { throw FileError("read", paths[i], code: errno) }
            return FirstRound.Candidate(
                picture: drawn[i].record, score: scores[i], isComplete: scores[i].reason == nil, digest: digest(bytes))
        }
        for i in Self.chosen(candidates, by: tools.job.specification.join) { candidates[i].joins = true }
        try sheet(candidates, paths).write(to: directory.candidateSheet)
        return FirstRound(
            fingerprint: try tools.roundsFingerprint(), candidates: candidates, contactSheet: directory.relative(directory.candidateSheet),
            files: directory.loraFiles(), scores: result.scores,
            checkpoints: result.checkpoints, notes: result.notes, asked: try tools.asked())
    }

    /// The best of those that show each subject once and score enough; of equals the first.
    static func chosen(_ candidates: [FirstRound.Candidate], by join: JoinSpecification) -> [Int] {
        let good = candidates.indices.filter { candidates[$0].isComplete && candidates[$0].score.score >= join.threshold }
        return Array(good.sorted { (candidates[$1].score.score, $0) < (candidates[$0].score.score, $1) }.prefix(join.most))
    }

    private func sheet(_ candidates: [FirstRound.Candidate], _ paths: [String]) throws -> ContactSheet {
        var rows: [(title: String, cells: [ContactSheet.Cell])] = []
        for joins in [true, false] {
            for (one, path) in zip(candidates, paths) where one.joins == joins {
                let title = (joins ? "joins: " : "does not join: ") + one.picture.prompt
                let cell = try ContactSheet.Cell(path, name: one.picture.file, caption: "\(one.score.score.threeDigits) · seed \(one.picture.seed)" + (one.picture.loraScale == 1 ? "" : " · LoRA \(NumberRange.short(one.picture.loraScale))"))
                if let row = rows.firstIndex(where: { $0.title == title }) { rows[row].cells.append(cell) } else { rows.append((title, [cell])) }
            }
        }
        return ContactSheet(references: try ContactSheet.references(tools.composer.subjects), rows: rows)
    }
}
