import Jobs

/// The trainings of a job: one, or with `rounds: 2` a second one that sees the best pictures of the first among the photos.
///
/// The first round is the job as it would be without a second. When it is known what joins, that is written down, what round 1
/// wrote is put aside, and round 2 takes its place: from the LoRA that round 1 began with, so that what it learns comes from
/// its pictures and not from twice as many steps.
struct JobRounds {
    let tools: RunTools
    let extent: JobRunner.Extent
    let trace: String?

    /// - Returns: the last round, and what is to be said of both where there were to be two; nil where a stop was asked for.
    func run() throws -> (result: TrainingRound.Result, rounds: RoundsReport?)? {
        let (directory, progress, join) = (tools.directory, tools.progress, tools.job.specification.join)
        if try FirstRound.read(directory, fingerprint: tools.roundsFingerprint()) == nil {
            let hasTwo = tools.job.specification.rounds == 2
            guard var result = try round(hasTwo ? 1 : nil, nil) else { return nil }
            guard hasTwo else { return (result, nil) }
            let found: FirstRound
            do {
                found = try tools.clock.drawing { try CandidatePictures(tools: tools, result: result).run() }
            } catch is StopRequest.Stopped {
                progress.say(.render, "stopped with the first round done; run it again to go on")
                return nil
            } catch let error as PictureScores.Unscored {
                result.notes.append("there was no second round: the pictures that might have joined it could not be scored: \(error.reason)")
                return (result, nil)
            }
            guard !found.joining.isEmpty else {
                let report = RoundsReport(found, join: join)
                progress.say(.score, report.sentence)
                result.notes.append(report.sentence)
                return (result, report)
            }
            try found.aside().write(directory)
        }
        guard let first = try FirstRound.read(directory, fingerprint: tools.roundsFingerprint()) else { preconditionFailure("JobRounds: no first round") }
        try directory.putFirstRoundAside()
        try first.verify(directory)
        progress.say(.train, "round 2: \(first.joining.count) of \(first.candidates.count) pictures of round 1 join the photos")
        tools.training.adapters.restart(seed: tools.job.trainingSettings.seed)
        guard var result = try round(2, first) else { return nil }
        let report = RoundsReport(first, join: join, second: result, isComparable: try first.isComparable(tools, by: result.checkpoints == nil ? \.final : \.validation))
        progress.say(.score, report.sentence)
        result.notes = (first.notes ?? []).map { "round 1: \($0)" } + result.notes
        if report.better == 1 { result.notes.append(report.sentence) }
        return (result, report)
    }

    private func round(_ number: Int?, _ first: FirstRound?) throws -> TrainingRound.Result? {
        try TrainingRound(tools: tools, extent: extent, number: number, first: first, trace: trace.map { $0 + (number.map { "/round-\($0)" } ?? "") }).run()
    }
}

extension RunTools {
    /// What must be the same for a second round to go on after the first.
    func roundsFingerprint() throws -> [String: String] {
        let s = job.specification
        return try fingerprint().merging(["rounds": "\(s.rounds)", "join": "\(s.join.candidates) pictures, \(s.join.threshold), \(s.join.most)"]) { $1 }
    }
}
