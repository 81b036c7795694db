import Diffusion
import Foundation
import Images
import Jobs
import Tensors

/// Draws prior images with the base model; it is loaded when the first one is wanted.
final class PriorPainter {
    private let model: SDXLDirectory
    private let progress: ProgressReporter
    private let requests: [RenderRequest]
    private var make: TextToImage?

    /// - Parameter requests: one of every class, for their prompts.
    init(_ model: SDXLDirectory, requests: [RenderRequest], progress: ProgressReporter) {
        (self.model, self.requests, self.progress) = (model, requests, progress)
    }

    /// The pictures of requests that differ in their seeds only, sampled together; nil where a stop was asked for.
    /// - Throws: `JobFailure` (unavailable) where they are none: the model is damaged.
    func pictures(_ requests: [RenderRequest], saying message: String) throws -> [RGBImage]? {
        let make = try loaded()
        let noise = requests.map(make.initialNoise)
        do {
            let latents = try make.latents(requests, noise: noise.count == 1 ? noise[0] : .stacked(noise)) { step in
                if StopRequest.shared.isSet { throw StopRequest.Stopped() }
                progress.step(ProgressLine(phase: .prepare, step: step, total: requests[0].steps, message: message))
            }
            return try requests.indices.map { i in
                let picture = try make.decode(latents.part(i, of: requests.count))
                return RGBImage(width: picture.width, height: picture.height, bytes: picture.bytes)
            }
        } catch is StopRequest.Stopped {
            return nil
        } catch is TextToImage.NotFinite {
            throw JobFailure(.unavailable, "\(model.path): prior images came out as numbers that are not finite; weights of the model are damaged. Fetch it again")
        }
    }

    private func loaded() throws -> TextToImage {
        if let make { return make }
        progress.say(.prepare, "loading \(model.name) for the prior images")
        var seen: Set<String> = []
        let prompts = requests.flatMap(\.prompts).filter { seen.insert($0).inserted }
        let table = try Tape.paused { try PromptEncoder(model).encode(prompts) { [progress] prompt, rest in
            progress.say(.prepare, "note: a prompt is longer than 77 tokens, “\(rest)” of “\(prompt)” is cut off")
        } }
        let made = TextToImage(
            unet: try model.loadUNet(), vae: try model.loadVAE(), schedule: try model.loadSchedule(), prompts: table,
            zerosForEmptyPrompt: try model.zerosForEmptyPrompt())
        make = made
        return made
    }
}
