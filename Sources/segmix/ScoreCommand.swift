import ArgumentParser
import Foundation
import Jobs
import Pipeline

struct ScoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "score", abstract: "Says how well pictures keep a job's subjects apart (Detect-and-Compare).",
        discussion: """
            OWLv2 finds the subjects by their classes, DINOv2 compares each with the job's photos. 1: as far apart as the \
            photos themselves; 0: not as many found as there are subjects. The job's model needs owlv2 and dinov2 in the \
            configuration. The job's masks and priors are not needed.
            """)

    @Option(help: "The job's folder: photos, metadata.jsonl, job.yaml.", completion: .directory)
    var job: String

    @Option(parsing: .upToNextOption, help: "One or more pictures, JPEG or PNG.", completion: .file(extensions: ["jpg", "jpeg", "png", "JPG", "JPEG", "PNG"]))
    var image: [String]

    @Option(parsing: .upToNextOption, help: "What to look for instead of the subjects' classes.")
    var query: [String] = []

    @Option(help: "Detections that score no more than this do not count, 0 to 1.")
    var threshold = ScoreJob.defaultThreshold

    @Option(help: "Leave out boxes that overlap a better one by more than this (intersection over union); 1 keeps all.")
    var overlap = 0.5

    @Flag(help: "Print one JSON object, with every box and matrix.")
    var json = false

    @OptionGroup var options: ConfigurationOptions

    @Option(name: .customLong("set"), help: ArgumentHelp("Overrides a key of the job spec.", valueName: "key=value"))
    var settings: [String] = []

    @Option(help: ArgumentHelp("Which of the folder's specs; needed only where it has several.", valueName: "file"), completion: .file(extensions: ["yaml", "yml"]))
    var spec: String?

    func validate() throws { try JobOptions.check(settings) }

    func run() throws {
        let configuration = try options.configuration()
        let loaded = try Job.load(
            JobFolder(try absolute(job)), specificationFile: spec, configuration: configuration, settings: settings + ScoreJob.settings)
        let model = try configuration.model(for: loaded.specification)
        let result = try JobFailure.afterCheck(loaded.specification, model) {
            try ScoreJob(
                loaded, models: ScoringModels(model, configuration: configuration.path ?? options.config),
                images: image, queries: query, threshold: threshold, overlap: overlap
            ).run()
        }
        try Answer.print(result, lines: result.lines, json: json)
    }
}
