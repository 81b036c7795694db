import ArgumentParser
import Jobs
import Pipeline

struct DetectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detect", abstract: "Finds what a query in words names in a picture (OWLv2): boxes, scores, labels.",
        discussion: "Boxes are x0, y0, x1, y1 in pixels of the upright picture; they may reach over its edges.")

    @Option(help: "The OWLv2 model: a directory in Hugging Face layout, or a name from the configuration that has an owlv2.", completion: .directory)
    var model: String

    @Option(help: "The picture, JPEG or PNG.", completion: .file(extensions: ["jpg", "jpeg", "png", "JPG", "JPEG", "PNG"]))
    var image: String

    @Option(parsing: .upToNextOption, help: "What to look for, in words; several queries share one pass.")
    var query: [String]

    @Option(help: "Leave out what scores no more than this, 0 to 1.")
    var threshold = 0.1

    @Option(help: "Leave out boxes that overlap a better one by more than this (intersection over union); 1 keeps all.")
    var overlap = 0.5

    @Option(help: "What the model looks at the picture in: no (float32) or bf16 (faster where the processor has AVX512-BF16).")
    var mixedPrecision = JobSpecification.MixedPrecision.no

    @Flag(help: "Print one JSON object.")
    var json = false

    @OptionGroup var options: ConfigurationOptions

    func run() throws {
        let configuration = try options.configuration()
        let directory = try configuration.models[model]?.owlv2 ?? absolute(model)
        let result = try DetectJob(
            model: directory, image: image, queries: query, threshold: threshold, overlap: overlap, precision: mixedPrecision
        ).run()
        try Answer.print(result, lines: result.lines, json: json)
    }
}
