import ArgumentParser
import Foundation
import Jobs
import Pipeline

struct RenderCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "render", abstract: "Makes pictures with a model, with or without LoRAs and mean-shifted noise.",
        discussion: """
            One picture for every prompt, seed, gamma and LoRA scale; several come with a contact sheet. A LoRA of any trainer \
            will do that writes diffusers' or kohya's keys: of it the linear layers of the UNet are used. What it has for text encoders \
            is left out, with a note; convolutions, LoHa, LoKr and DoRA are refused.
            """)

    @Option(help: "The SDXL model: a directory in diffusers layout, or a name from the configuration.", completion: .directory)
    var model: String

    @Option(parsing: .upToNextOption, help: ArgumentHelp("A LoRA file and how strong it is, 1 where it is left out; one or more.", valueName: "file[:scale]"), completion: .file(extensions: ["safetensors"]))
    var lora: [String] = []

    @Option(parsing: .upToNextOption, help: "What all LoRAs' strengths are multiplied by; one or more.")
    var loraScale = [1.0]

    @Option(parsing: .upToNextOption, help: "One or more prompts.")
    var prompt: [String]

    @Option(help: "What the pictures should not show.")
    var negativePrompt: String?

    @Option(help: "Folder for the pictures.", completion: .directory)
    var output: String

    @Option(parsing: .upToNextOption, help: "Seeds of the first noise. One seed is counted up from prompt to prompt, several are used for each.")
    var seed: [UInt64] = [42]

    @Option(help: "Sampling steps.")
    var steps = 50

    @Option(help: "Strength of the classifier-free guidance; 1 or less: none.")
    var guidance = 5.0

    @Option(help: "The sampler: \(RenderSpecification.Sampler.allCases.map(\.rawValue).joined(separator: ", ")).")
    var sampler = RenderSpecification.Sampler.euler

    @Option(parsing: .upToNextOption, help: "How far the noise is shifted towards a layout of the subjects, one or more; 0: not at all. Try 0.05 to 0.1. Left out: \(RenderSpecification.defaultGamma) where a --job has masks, else 0.")
    var gamma: [Double] = []

    @Option(help: "The job's folder whose photos and masks layouts are made of.", completion: .directory)
    var job: String?

    @Option(help: ArgumentHelp("Which of the job's specs says how large its subjects are beside each other; needed only where they differ in that.", valueName: "file"), completion: .file(extensions: ["yaml", "yml"]))
    var spec: String?

    @Option(help: ArgumentHelp(
        "Where a subject lies in the layout, in parts of width and height; may be given several times. Left out: drawn with the seed.",
        valueName: "subject=x0,y0,x1,y1"))
    var layout: [String] = []

    @Option(parsing: .upToNextOption, help: "Keys of the layout's subjects. Left out: those of --layout, else those that the prompt names.")
    var subject: [String] = []

    @Option(help: "Width in pixels.")
    var width = 1024

    @Option(help: "Height in pixels.")
    var height = 1024

    @Option(help: "Start from the noise in this safetensors file: latents [1, 4, h, w], N(0, 1); step_noise [steps, 1, 4, h, w] for euler_ancestral.", completion: .file(extensions: ["safetensors"]))
    var initLatents: String?

    @Option(help: "Keep the result before decoding in this safetensors file, key latents.", completion: .file(extensions: ["safetensors"]))
    var saveLatents: String?

    @Option(help: "What the UNet computes in: no (float32) or bf16 (faster where the processor has AVX512-BF16).")
    var mixedPrecision = JobSpecification.MixedPrecision.no

    @OptionGroup var options: ConfigurationOptions

    func run() throws {
        let configuration = try options.configuration()
        let known = try configuration.models[model] ?? Configuration.Model(base: absolute(model))
        var order = RenderOrder()
        (order.prompts, order.negativePrompt, order.seeds, order.steps) = (prompt, negativePrompt, seed, steps)
        (order.guidance, order.sampler, order.width, order.height) = (guidance, sampler, width, height)
        (order.gammas, order.loraScales, order.loras) = (gamma.isEmpty ? nil : gamma, loraScale, try lora.map(LoRAChoice.init))
        (order.jobFolder, order.subjects) = (try job.map(absolute), subject.isEmpty ? nil : subject)
        order.specification = spec
        order.layout = layout.isEmpty ? nil : RenderLayout(try layout.map(Self.box))
        (order.initialLatents, order.savedLatents) = (initLatents, saveLatents)
        order.precision = mixedPrecision
        try RenderJob(model: known, order, configuration: configuration, output: try absolute(output), progress: ProgressReporter()).run().forEach { print($0) }
    }

    /// `a=0.05,0.2,0.5,0.9`
    private static func box(_ text: String) throws -> RenderLayout.Box {
        let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
        let numbers = parts.count == 2 ? parts[1].split(separator: ",", omittingEmptySubsequences: false).map { Double($0) } : []
        guard parts.count == 2, numbers.allSatisfy({ $0 != nil }), let box = RenderLayout.Box(subject: parts[0], numbers.compactMap { $0 }) else {
            throw JobFailure(.usage, "--layout is \(text); subject=x0,y0,x1,y1 is wanted, four numbers from 0 to 1 with x0 < x1 and y0 < y1")
        }
        return box
    }
}

extension JobSpecification.MixedPrecision: ExpressibleByArgument {}
extension RenderSpecification.Sampler: ExpressibleByArgument {}
