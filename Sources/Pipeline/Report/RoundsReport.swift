import Jobs

/// `rounds` in `report.json`: what of round 1 joined the photos of round 2, and which of the two keeps the subjects apart better.
struct RoundsReport: Encodable {
    /// A picture that might have joined.
    struct Candidate: Encodable {
        let file: String, prompt: String
        let seed: UInt64, gamma: Double, loraScale: Double
        /// The LoRA that drew it.
        let lora: String?
        let score: Double
        /// Why the score is 0, in words.
        let reason: String?
        let joined: Bool

        private enum CodingKeys: String, CodingKey { case file, prompt, seed, gamma, loraScale = "lora_scale", lora, score, reason, joined }
    }

    /// What is known of round 1.
    struct First: Encodable {
        let files: [String]
        let scores: ReportScores?
    }

    /// The round whose LoRA lies in the result's own folder: the last that there was.
    let result: Int
    /// The round whose pictures keep the subjects apart better: the one of the best checkpoint, else that of the final pictures
    /// with the higher mean; nil where nothing speaks for one of them.
    let better: Int?
    let threshold: Double, most: Int
    let candidates: [Candidate]
    let contactSheet: String
    /// nil where there was no second: then the result is round 1's.
    let first: First?
    let sentence: String

    private enum CodingKeys: String, CodingKey { case result, better, threshold, most, candidates, contactSheet = "contact_sheet", first = "round_1", sentence }

    var joined: [Candidate] { candidates.filter(\.joined) }

    /// - Parameters:
    ///   - second: nil: nothing joined.
    ///   - isComparable: whether both rounds drew the same pictures.
    init(_ round: FirstRound, join: JoinSpecification, second: TrainingRound.Result? = nil, isComparable: Bool = true) {
        (threshold, most, contactSheet) = (join.threshold, join.most, round.contactSheet)
        candidates = round.candidates.map {
            Candidate(
                file: $0.picture.file, prompt: $0.picture.prompt, seed: $0.picture.seed, gamma: $0.picture.gamma, loraScale: $0.picture.loraScale, lora: $0.picture.lora,
                score: $0.score.score, reason: $0.score.reason, joined: $0.joins)
        }
        let drawn = candidates.count
        guard let second else {
            (result, better, first) = (1, nil, nil)
            let complete = round.candidates.filter(\.isComplete), best = complete.map(\.score.score).max()
            sentence = "no picture of round 1 was good enough to join a second round, so the result is that of round 1: "
                + (best.map { "of \(drawn) pictures \(complete.count) show each subject once, and the best of them scores \($0.threeDigits), below join.threshold \(NumberRange.short(join.threshold))" }
                    ?? "none of \(drawn) pictures shows each subject once")
            return
        }
        result = 2
        first = First(files: round.files, scores: round.scores)
        let beginning = "\(round.joining.count) of \(drawn) pictures of round 1 joined the photos of round 2"
        if !isComparable {
            better = nil
            sentence = beginning + "; which of them keeps the subjects apart better is not known, as `validation_prompt` or `render` was another in round 1"
        } else if let best = second.checkpoints?.best {
            func most(_ round: Int) -> Double? { second.checkpoints?.checkpoints.filter { $0.round == round }.map(\.score).max() }
            guard most(1) != most(2) else {
                better = nil
                sentence = beginning + "; the best LoRAs of both rounds score the same, \(best.score.threeDigits), so nothing speaks for one of them"
                return
            }
            better = best.round
            sentence = beginning + "; the LoRA whose pictures keep the subjects apart best is of round \(best.round ?? 2): \(best.files[0])"
        } else if let one = round.scores?.mean, let two = second.scores?.mean {
            better = two == one ? nil : two > one ? 2 : 1
            let means = "the final pictures of round 2 score \(two.threeDigits) on average, those of round 1 \(one.threeDigits)"
            sentence = "\(beginning); \(means)" + (two >= one ? "" : ": its LoRA, \(round.files[0]), is the better one")
        } else {
            better = nil
            let isKnownOfOne = second.scores?.mean != nil && round.scores == nil
            sentence = beginning + (isKnownOfOne ? "; which of them keeps the subjects apart better is not known, as no final pictures of round 1 were scored" : "")
        }
    }
}
