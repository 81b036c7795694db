import ArgumentParser
import Jobs
import Pipeline

struct SegmentCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "segment", abstract: "Makes the mask of one object in a picture (SAM): white is the object.",
        discussion: "Numbers are pixels of the upright picture. A box is surest; points say what else belongs to the object, or does not. Without either the object is what stands out from the background.")

    @Option(help: "The picture, JPEG or PNG.", completion: .file(extensions: ["jpg", "jpeg", "png", "JPG", "JPEG", "PNG"]))
    var image: String

    @Option(help: "The SAM model: a directory in Hugging Face layout, or a name from the configuration that has a sam; the bundled MobileSAM where it is left out.", completion: .directory)
    var model: String?

    // As `segmix detect` prints them, boxes may begin with a minus sign.
    @Option(parsing: .unconditional, help: ArgumentHelp("A box around the object.", valueName: "x0,y0,x1,y1"))
    var box: String?

    @Option(parsing: .unconditionalSingleValue, help: ArgumentHelp("A point on the object; x,y,0: one beside it. May be given several times.", valueName: "x,y"))
    var point: [String] = []

    @Option(help: "The mask, a PNG of the picture's size.", completion: .file())
    var output: String

    @Option(help: "What the model looks at the picture in: no (float32) or bf16 (faster where the processor has AVX512-BF16; MobileSAM: float32 always).")
    var mixedPrecision = JobSpecification.MixedPrecision.no

    @OptionGroup var options: ConfigurationOptions

    func run() throws {
        let configuration = try options.configuration()
        let directory = try model.map { try configuration.models[$0]?.sam ?? absolute($0) }
        print(
            try SegmentJob(
                model: directory, maskModels: configuration.maskModels, image: image, box: box, points: point, output: try absolute(output),
                precision: mixedPrecision
            ).run().line)
    }
}
