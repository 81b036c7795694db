import Foundation
import Jobs

/// What `report.json` says, to programs, and `report.html` shows.
struct ReportContents: Encodable {
    struct Point: Encodable { let step: Int, loss: Double }
    /// The LoRA as it was after so many steps.
    struct Save: Encodable { let step: Int, files: [String] }

    /// Seconds, of all the processes that a run took.
    struct Timings: Encodable {
        /// From the check to the first step, and encoding prompts.
        var preparation = 0.0
        /// All optimizer steps, those of an earlier round too.
        var training = 0.0
        var perStep = 0.0
        /// Pictures, on the way and at the end, and their scores.
        var rendering = 0.0

        enum CodingKeys: String, CodingKey { case preparation, training, perStep = "per_step", rendering }
    }

    var name: String, model: String
    var subjects: [String: String]
    var files: [String], saves: [Save], samples: [String]
    /// The final pictures with their settings.
    var pictures: [RenderedPicture]
    var contactSheet: String?
    var masks: [String]
    var settings: JobSpecification
    /// Digest of the folder's photos, masks and captions.
    var inputs: String
    var loss: [Point]
    /// Examples that were composites, and all.
    var composites: Int, examples: Int
    var scores: ReportScores?
    var bestCheckpoint: CheckpointScores?
    var rounds: RoundsReport?
    var warnings: [String]
    var started: Date, finished: Date
    /// What was spent between these; a run that was stopped does not count the time until it went on.
    var seconds: Double
    var timings: Timings
    /// What made it: "segmixd 0.1.0".
    var program: String
    var machine: String
    var memory: RunMemory

    enum CodingKeys: String, CodingKey {
        case name, model, subjects, files, saves, samples, pictures, contactSheet = "contact_sheet", masks, settings, inputs, loss, composites, examples, scores
        case bestCheckpoint = "best_checkpoint", rounds, warnings
        case started, finished, seconds, timings, program, machine, memory
    }
}
