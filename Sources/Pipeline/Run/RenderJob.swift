import CPUDevice
import Diffusion
import Files
import Foundation
import Jobs
import Tensors
import Weights

/// A LoRA file and its strength, as the command line says them: `FILE` or `FILE:0.8`.
public struct LoRAChoice: Sendable {
    public let path: String
    public let scale: Float

    /// - Throws: `Fault` where the file is not there.
    public init(_ text: String) throws {
        var (path, scale) = (text, Float(1))
        if let colon = text.lastIndex(of: ":"), let number = Float(text[text.index(after: colon)...]), number.isFinite {
            (path, scale) = (String(text[..<colon]), number)
        }
        guard FileManager.default.fileExists(atPath: path) else { throw Fault(file: path, "the LoRA file is not there; give the path of a .safetensors file") }
        (self.path, self.scale) = (path, scale)
    }
}

/// `segmix render`: pictures of prompts with a model and any LoRAs, outside a job.
public struct RenderJob {
    let model: SDXLDirectory
    let loras: [LoRAChoice]
    let requests: [RenderRequest]
    let initialLatents, savedLatents: String?
    let precision: JobSpecification.MixedPrecision
    let output: String
    let progress: ProgressReporter

    /// - Throws: `Fault` for values out of range.
    public init(
        model: Configuration.Model, loras: [LoRAChoice], prompts: [String], negativePrompt: String?, seed: UInt64, steps: Int,
        guidance: Double, width: Int, height: Int, initialLatents: String?, savedLatents: String?,
        precision: JobSpecification.MixedPrecision = .no, output: String, progress: ProgressReporter
    ) throws {
        guard !prompts.isEmpty else { throw Fault("--prompt: say what the picture should show") }
        guard guidance.isFinite, guidance >= 0, guidance <= 100 else { throw Fault("--guidance is \(guidance); a number from 0 to 100 is wanted") }
        guard savedLatents == nil || prompts.count == 1 else { throw Fault("--save-latents keeps the latents of one picture; give one --prompt") }
        for (name, value) in [("--width", width), ("--height", height)] where value < 8 || value > 8192 || value % 8 != 0 {
            throw Fault("\(name) is \(value); a multiple of 8 from 8 to 8192 is wanted")
        }
        guard (1...1000).contains(steps) else { throw Fault("--steps is \(steps); a number from 1 to 1000 is wanted") }
        self.model = SDXLDirectory(model.base, vae: model.vae)
        (self.loras, self.initialLatents, self.savedLatents, self.output, self.progress) = (loras, initialLatents, savedLatents, output, progress)
        self.precision = precision
        requests = prompts.enumerated().map {
            RenderRequest(
                prompt: $1, negativePrompt: negativePrompt, seed: seed &+ UInt64($0), steps: steps, guidance: guidance, width: width, height: height)
        }
    }

    /// Renders everything; the paths of the pictures.
    public func run() throws -> [String] {
        guard Folder.leadsToDirectory(model.path) else {
            throw JobFailure(.unavailable, "\(model.path): the model's directory is not there; give a directory in diffusers layout")
        }
        try precision.requireSupport(called: "--mixed-precision")
        try model.requireSDXL()
        CPUDevice.install()
        let schedule = try model.loadSchedule(), vae = try model.loadVAE()
        for request in requests {
            guard request.steps <= schedule.steps else { throw Fault("--steps is \(request.steps), and the model's schedule has \(schedule.steps)") }
            let f = vae.configuration.downsampling
            guard request.width % f == 0, request.height % f == 0 else { throw Fault("--width and --height must be multiples of \(f) for this model") }
        }
        let table = try Tape.paused {
            try PromptEncoder(model).encode(Array(Set(requests.flatMap(\.prompts))).sorted()) { prompt, rest in
                progress.say(.encode, "note: “\(rest)” of the prompt “\(prompt)” does not fit into 77 tokens and is cut off")
            }
        }
        let adapters = loras.isEmpty ? nil : AdapterSet(
            stacking: try loras.map { (file: try LoRAFile.read($0.path), scale: $0.scale) }, layersPerBlock: try model.layersPerBlock())
        let make = TextToImage(
            unet: try model.loadUNet(adapters: adapters, precision: precision.elementType), vae: vae, schedule: schedule, prompts: table,
            zerosForEmptyPrompt: try model.zerosForEmptyPrompt())
        try Directory.create(output)
        let images = SampleRenderer(make, folder: output, modelName: URL(fileURLWithPath: model.path).lastPathComponent, progress: progress)
        for (i, request) in requests.enumerated() {
            let noise = try initialLatents.map { try read($0, shape: make.latentShape(request)) } ?? make.initialNoise(request)
            let latents = make.latents(request, noise: noise) { step in
                progress.step(ProgressLine(phase: .render, step: i * request.steps + step, total: requests.count * request.steps))
            }
            if let savedLatents {
                var writer = SafetensorsWriter()
                writer.add("latents", latents.channelsFirst())
                try writer.write(to: savedLatents)
            }
            try images.write(latents, request, to: output + String(format: "/%05d-%llu.png", i, request.seed))
        }
        return images.written
    }

    /// `[1, C, h, w]` of any float type.
    private func read(_ path: String, shape: [Int]) throws -> Tensor {
        let file = try SafetensorsFile(path), wanted = [1, shape[3], shape[1], shape[2]]
        guard let entry = file["latents"], entry.shape == wanted else {
            throw Fault(file: path, "should hold a tensor `latents` of shape \(wanted) for this size" + (file["latents"].map { ", not \($0.shape)" } ?? ""))
        }
        return try file.tensor("latents").widened().channelsLast()
    }
}
