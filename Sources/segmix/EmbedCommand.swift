import ArgumentParser
import Jobs
import Pipeline

struct EmbedCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "embed", abstract: "Turns pictures into vectors that lie close where they show the same thing (DINOv2).",
        discussion: "A vector is the mean of the model's last hidden states.")

    @Option(help: "The DINOv2 model: a directory in Hugging Face layout, or a name from the configuration that has a dinov2.", completion: .directory)
    var model: String

    @Option(parsing: .upToNextOption, help: "One or more pictures, JPEG or PNG.", completion: .file(extensions: ["jpg", "jpeg", "png", "JPG", "JPEG", "PNG"]))
    var image: [String]

    @Flag(help: "Print one JSON object.")
    var json = false

    @OptionGroup var options: ConfigurationOptions

    func run() throws {
        let configuration = try options.configuration()
        let directory = try configuration.models[model]?.dinov2 ?? absolute(model)
        let result = try EmbedJob(model: directory, images: image).run()
        try Answer.print(result, lines: result.lines, json: json)
    }
}
