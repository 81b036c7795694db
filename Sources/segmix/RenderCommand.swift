import ArgumentParser
import Foundation
import Jobs
import Pipeline

struct RenderCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "render", abstract: "Makes pictures with a model, with or without LoRAs.")

    @Option(help: "The SDXL model: a directory in diffusers layout, or a name from the configuration.")
    var model: String

    @Option(help: ArgumentHelp("A LoRA file and how strong it is, 1 where it is left out; may be given several times.", valueName: "file[:scale]"))
    var lora: [String] = []

    @Option(parsing: .upToNextOption, help: "One or more prompts.")
    var prompt: [String]

    @Option(help: "What the pictures should not show.")
    var negativePrompt: String?

    @Option(help: "Folder for the pictures.")
    var output: String

    @Option(help: "Seed of the first noise.")
    var seed: UInt64 = 42

    @Option(help: "Sampling steps.")
    var steps = 50

    @Option(help: "Strength of the classifier-free guidance; 1 or less: none.")
    var guidance = 5.0

    @Option(help: "Width in pixels.")
    var width = 1024

    @Option(help: "Height in pixels.")
    var height = 1024

    @Option(help: "Start from the noise in this safetensors file: key latents, [1, 4, h, w], N(0, 1).")
    var initLatents: String?

    @Option(help: "Keep the result before decoding in this safetensors file, key latents.")
    var saveLatents: String?

    @Option(help: "What the UNet computes in: no (float32) or bf16 (faster where the processor has AVX512-BF16).")
    var mixedPrecision = JobSpecification.MixedPrecision.no

    @Option(help: "The configuration file.")
    var config = Configuration.defaultPath

    func run() throws {
        do {
            let configuration = try ConfigurationFile.read(config)
            let known = configuration.models[model] ?? Configuration.Model(base: absolute(model))
            let loras = try lora.map(LoRAChoice.init)
            try RenderJob(
                model: known, loras: loras, prompts: prompt, negativePrompt: negativePrompt, seed: seed, steps: steps, guidance: guidance,
                width: width, height: height, initialLatents: initLatents, savedLatents: saveLatents, precision: mixedPrecision, output: absolute(output),
                progress: ProgressReporter()
            ).run().forEach { print($0) }
        } catch {
            throw JobFailure(error)
        }
    }
}

extension JobSpecification.MixedPrecision: ExpressibleByArgument {}
