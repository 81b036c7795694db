import Foundation
import Jobs

/// What `report.json` says, to programs, and `report.html` shows.
struct ReportContents: Encodable {
    struct Point: Encodable { let step: Int, loss: Double }

    /// Seconds.
    struct Timings: Encodable {
        /// From the check to the first step, and encoding prompts.
        var preparation = 0.0
        /// All optimizer steps, those before a stop and of an earlier round too.
        var training = 0.0
        var perStep = 0.0
        /// What came after the trainings: pictures and their scores.
        var rendering = 0.0

        enum CodingKeys: String, CodingKey { case preparation, training, perStep = "per_step", rendering }
    }

    var name: String, model: String
    var subjects: [String: String]
    var files: [String], samples: [String]
    /// The final pictures with their settings.
    var pictures: [RenderedPicture]
    var contactSheet: String?
    var masks: [String]
    var settings: JobSpecification
    var loss: [Point]
    /// Examples that were composites, and all.
    var composites: Int, examples: Int
    var scores: ReportScores?
    var bestCheckpoint: CheckpointScores?
    var rounds: RoundsReport?
    var warnings: [String]
    var started: Date, finished: Date
    var seconds: Double
    var timings: Timings
    var machine: String
    var memory: RunMemory

    enum CodingKeys: String, CodingKey {
        case name, model, subjects, files, samples, pictures, contactSheet = "contact_sheet", masks, settings, loss, composites, examples, scores
        case bestCheckpoint = "best_checkpoint", rounds, warnings
        case started, finished, seconds, timings, machine, memory
    }
}
