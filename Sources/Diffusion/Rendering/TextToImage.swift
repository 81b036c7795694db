import Foundation
import Layers
import Tensors

/// One picture to be made.
public struct RenderRequest: Sendable, Equatable {
    public var prompt: String
    /// nil: the pipeline's own way of having none, see `TextToImage`.
    public var negativePrompt: String?
    public var seed: UInt64
    public var steps: Int
    public var guidance: Double
    public var width, height: Int
    /// What SDXL is told the original and target sizes are; the picture's own unless set.
    public var conditioningWidth, conditioningHeight: Int

    public init(prompt: String, negativePrompt: String?, seed: UInt64, steps: Int, guidance: Double, width: Int, height: Int) {
        (self.prompt, self.negativePrompt, self.seed, self.steps) = (prompt, negativePrompt, seed, steps)
        (self.guidance, self.width, self.height) = (guidance, width, height)
        (conditioningWidth, conditioningHeight) = (width, height)
    }

    /// Prompts that the picture needs encoded.
    public var prompts: [String] { [prompt] + (guidance > 1 ? [negativePrompt ?? ""] : []) }
}

/// SDXL's text-to-image with Euler's method and classifier-free guidance, as diffusers' `StableDiffusionXLPipeline` does it:
///
///     ε = ε_negative + guidance·(ε_prompt − ε_negative)
///
/// Without a negative prompt its embedding is zeros where the model's `force_zeros_for_empty_prompt` says so, else that
/// of the empty prompt. Guidance of 1 or less uses the prompt alone.
public struct TextToImage {
    let unet: UNet
    let vae: VAE
    let schedule: NoiseSchedule
    let prompts: PromptTable
    let zerosForEmptyPrompt: Bool

    public init(unet: UNet, vae: VAE, schedule: NoiseSchedule, prompts: PromptTable, zerosForEmptyPrompt: Bool) {
        (self.unet, self.vae, self.schedule, self.prompts) = (unet, vae, schedule, prompts)
        self.zerosForEmptyPrompt = zerosForEmptyPrompt
    }

    /// Size of the latents of a picture, `[1, h, w, C]`.
    public func latentShape(_ request: RenderRequest) -> [Int] {
        let f = vae.configuration.downsampling
        return [1, request.height / f, request.width / f, vae.configuration.latentChannels]
    }

    /// N(0, I) of the request's seed, drawn in PyTorch's order.
    public func initialNoise(_ request: RenderRequest) -> Tensor {
        let s = latentShape(request)
        var stream = RandomStream(seed: request.seed, purpose: .renderNoise)
        return Tensor(stream.normals(s.reduce(1, *)), shape: [1, s[3], s[1], s[2]]).channelsLast()
    }

    /// The latents after all steps, from noise `[1, h, w, C]` that is N(0, I). `progress` gets the steps done.
    public func latents(_ request: RenderRequest, noise: Tensor, progress: (Int) throws -> Void) rethrows -> Tensor {
        precondition(noise.shape == latentShape(request), "TextToImage: noise \(noise.shape) for \(latentShape(request))")
        return try Tape.paused {
            let sampler = EulerSampler(schedule, steps: request.steps)
            let guided = request.guidance > 1, n = guided ? 2 : 1
            var embedding = embedding(request, guided: guided)
            embedding.memory = KeyValueMemory()
            let side = [Float(request.conditioningHeight), Float(request.conditioningWidth)], ids = [side[0], side[1], 0, 0, side[0], side[1]]
            var x = noise * sampler.initialNoiseSigma
            for i in 0..<sampler.count {
                let input = x * sampler.inputScale(i)
                let output = unet(
                    guided ? .stacked([input, input]) : input, timesteps: Array(repeating: sampler.timesteps[i], count: n),
                    prompt: embedding, timeIDs: Array(repeating: ids, count: n))
                var direction = output
                if guided {
                    let guidance = Float(request.guidance), negative = output.part(0, of: 2), positive = output.part(1, of: 2)
                    direction = negative * (1 - guidance) + positive * guidance
                }
                let (a, b) = sampler.update(i)
                x = x * a + direction * b
                try progress(i + 1)
            }
            return x
        }
    }

    /// Bytes of the picture, `[H, W, 3]`, of final latents.
    public func decode(_ latents: Tensor) -> (bytes: [UInt8], width: Int, height: Int) {
        Tape.paused {
            let pixels = vae.decode(latents)
            let bytes = pixels.values.map { v in
                // NaN becomes black instead of a trap; diffusers' postprocess rounds as here.
                v.isFinite ? UInt8((min(max(v / 2 + 0.5, 0), 1) * 255).rounded(.toNearestOrEven)) : 0
            }
            return (bytes, pixels.shape[2], pixels.shape[1])
        }
    }

    private func embedding(_ request: RenderRequest, guided: Bool) -> PromptEmbedding {
        let positive = prompts[request.prompt]
        guard guided else { return positive }
        let negative: PromptEmbedding
        if request.negativePrompt == nil && zerosForEmptyPrompt {
            negative = PromptEmbedding(states: Tensor(zeros: positive.states.shape), pooled: Tensor(zeros: positive.pooled.shape))
        } else {
            negative = prompts[request.negativePrompt ?? ""]
        }
        return PromptEmbedding(states: .stacked([negative.states, positive.states]), pooled: .stacked([negative.pooled, positive.pooled]))
    }
}

extension SDXLDirectory {
    /// Whether an absent negative prompt is zeros (diffusers' default for SDXL) or the encoded empty prompt.
    public func zerosForEmptyPrompt() throws -> Bool {
        guard FileManager.default.fileExists(atPath: path + "/model_index.json") else { return true }
        return try ModelConfiguration(directory: path, file: "model_index.json").boolean("force_zeros_for_empty_prompt", default: true)
    }
}
