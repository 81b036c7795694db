import Vision

/// Detect-and-Compare in `report.json` (SEGMIX's score of how well subjects are kept apart): per picture, and their mean.
struct ReportScores: Codable, Equatable, Sendable {
    struct Picture: Codable, Equatable, Sendable {
        /// Relative to the result's folder.
        let file: String
        let score: Double
        /// What is wrong with the picture, in words: another number of objects, or several that look most like one subject.
        let reason: String?
        /// Boxes × subjects, in the order of `subjects`.
        let similarity: [[Double]]
    }

    /// The mean of one prompt's pictures.
    struct Prompt: Codable, Equatable, Sendable {
        let prompt: String
        let mean: Double
    }

    let mean: Double
    /// Subject keys.
    let subjects: [String]
    var pictures: [Picture]
    /// In the order in which they were drawn.
    var prompts: [Prompt]?
    /// S_GT, subjects × subjects: what the photos themselves have; as near as `similarity` comes to it, so high is the score.
    var ideal: [[Double]]?
    /// Boxes of no higher score were not looked at, nor those that a better one overlaps by more (intersection over union).
    var threshold: Double?, overlap: Double?

    /// - Parameter prompts: of each picture.
    init(subjects: [String], _ pictures: [Picture], prompts: [String] = [], ideal: [[Double]]? = nil) {
        func mean(_ pictures: some Collection<Picture>) -> Double { pictures.reduce(0) { $0 + $1.score } / Double(max(pictures.count, 1)) }
        (self.mean, self.subjects, self.pictures, self.ideal) = (mean(pictures), subjects, pictures, ideal)
        var seen: Set<String> = []
        self.prompts = prompts.filter { seen.insert($0).inserted }.map { prompt in
            Prompt(prompt: prompt, mean: mean(zip(pictures, prompts).filter { $1 == prompt }.map(\.0)))
        }
        (threshold, overlap) = (PictureScores.threshold, PictureScores.overlap)
    }
}

extension ReportScores.Picture {
    init(_ picture: ScoreJob.Picture, file: String) {
        self.init(file: file, score: picture.score, reason: picture.finding == Comparison.Finding.apart.word ? nil : picture.explanation, similarity: picture.similarity)
    }
}
