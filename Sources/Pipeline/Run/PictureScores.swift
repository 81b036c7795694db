import Jobs
import Vision

/// Detect-and-Compare of a run's pictures. Each score is written down as soon as it is known, and what was scored before a
/// stop is not scored again.
struct PictureScores {
    let job: Job
    let directory: RunDirectory
    let models: ScoringModels
    let progress: ProgressReporter

    static let threshold = ScoreJob.defaultThreshold, overlap = OWLv2.defaultOverlap

    /// Scores, and S_GT of the photos that they go by; nil where an earlier release has scored all.
    struct Scored {
        let pictures: [ReportScores.Picture]
        let ideal: [[Double]]?
    }

    /// The pictures could not be scored.
    struct Unscored: Error { let reason: String }

    /// In the order of the paths.
    /// - Parameter sentence: what is said before so many pictures are scored.
    /// - Throws: `StopRequest.Stopped`, what may pass, and `Unscored` for everything else.
    func of(_ paths: [String], saying sentence: (Int) -> String) throws -> Scored {
        do { return try scored(paths, sentence) } catch let error where !(error is StopRequest.Stopped) && !JobFailure.mayPass(error) {
            throw Unscored(reason: "\(error)")
        }
    }

    private func scored(_ paths: [String], _ sentence: (Int) -> String) throws -> Scored {
        let (threshold, overlap) = (Self.threshold, Self.overlap)
        var known = try KnownScores(directory.knownScores, job, models, settings: "\(threshold) \(overlap)")
        var scores: [String: ReportScores.Picture] = [:]
        for path in paths { scores[path] = try known.score(of: path, file: directory.relative(path)) }
        let unknown = paths.filter { scores[$0] == nil }
        if !unknown.isEmpty {
            progress.say(.score, sentence(unknown.count))
            let work = try ScoreJob(job, models: models, images: unknown, queries: [], threshold: threshold, overlap: overlap)
            known.ideal = try work.run(shouldStop: { StopRequest.shared.isSet }) { index, picture in
                let score = ReportScores.Picture(picture, file: directory.relative(picture.image))
                scores[picture.image] = score
                try known.add(score, of: picture.image)
                progress.step(ProgressLine(phase: .score, step: index + 1, total: unknown.count))
            }.ideal
            try known.write()
        }
        return Scored(pictures: paths.map { scores[$0]! }, ideal: known.ideal)
    }
}
