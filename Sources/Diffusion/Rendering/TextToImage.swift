import Files
import Foundation
import Layers
import Tensors

/// SDXL's text-to-image with classifier-free guidance, as diffusers' `StableDiffusionXLPipeline` does it:
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

    /// N(0, I) of the request's seed, drawn in PyTorch's order, `[1, h, w, C]`.
    public func initialNoise(_ request: RenderRequest) -> Tensor { noise(request, .renderNoise, step: 0) }

    /// What an ancestral sampler adds after step `step`, of the request's seed, `[1, h, w, C]`.
    public func stepNoise(_ request: RenderRequest, step: Int) -> Tensor { noise(request, .sampler, step: step) }

    private func noise(_ request: RenderRequest, _ purpose: RandomPurpose, step: Int) -> Tensor {
        let s = latentShape(request)
        var stream = RandomStream(seed: request.seed, purpose: purpose, step: step)
        return Tensor(stream.normals(s.reduce(1, *)), shape: [1, s[3], s[1], s[2]]).channelsLast()
    }

    /// Latents of pixels `[N, H, W, 3]` in [−1, 1], as the UNet knows them: those of the posterior's mean, so that a layout
    /// is the same for every seed.
    public func latents(of pixels: Tensor, tiling: VAETiling? = nil) -> Tensor {
        Tape.paused { vae.scaled(vae.encode(pixels, tiling: tiling).mean) }
    }

    /// Mean-shifted noise N(γ·z, I) (MuDI, arXiv 2404.04243): ε + γ·z, both `[N, h, w, C]`, before the sampler's own scale.
    /// γ = 0 is ε itself.
    public static func shifted(_ noise: Tensor, by layout: Tensor, gamma: Double) -> Tensor {
        precondition(noise.shape == layout.shape, "shifted: noise \(noise.shape), layout \(layout.shape)")
        return gamma == 0 ? noise : noise + layout * Float(gamma)
    }

    /// The latents after all steps, from noise `[1, h, w, C]` that is N(0, I). `progress` gets the steps done.
    public func latents(_ request: RenderRequest, noise: Tensor, progress: (Int) throws -> Void) throws -> Tensor {
        try latents([request], noise: noise, progress: progress)
    }

    /// The same for several pictures at once, which differ in prompts, seeds and conditioning only: `noise` is
    /// `[N, h, w, C]`.
    ///
    /// - Parameter stepNoise: what ancestral samplers add after a step, `[N, h, w, C]`; nil: of the requests' seeds.
    /// - Throws: `ScheduleError`, and what `progress` throws.
    public func latents(
        _ requests: [RenderRequest], noise: Tensor, stepNoise: ((Int) -> Tensor)? = nil, progress: (Int) throws -> Void
    ) throws -> Tensor {
        guard let first = requests.first else { preconditionFailure("TextToImage: no request") }
        let wanted = [requests.count] + latentShape(first).dropFirst()
        precondition(requests.allSatisfy(first.isBatchable), "TextToImage: requests that are no batch: \(requests)")
        precondition(noise.shape == wanted, "TextToImage: noise \(noise.shape) for \(wanted)")
        let sampler = try Sampler(first.sampler, schedule, steps: first.steps)
        return try Tape.paused {
            let guided = first.isGuided, guidance = Float(first.guidance)
            var embedding = embedding(requests, guided: guided)
            embedding.memory = KeyValueMemory()
            let ids = requests.map { request in
                let side = [Float(request.conditioningHeight), Float(request.conditioningWidth)]
                return [side[0], side[1], 0, 0, side[0], side[1]]
            }
            var state = SamplerState(noise * sampler.initialNoiseSigma)
            for (i, step) in sampler.steps.enumerated() {
                let input = step.inputScale == 1 ? state.latents : state.latents * step.inputScale
                let output = unet(
                    guided ? .stacked([input, input]) : input, timesteps: Array(repeating: step.timestep, count: embedding.pooled.shape[0]),
                    prompt: embedding, timeIDs: guided ? ids + ids : ids)
                let direction = guided ? output.part(0, of: 2) * (1 - guidance) + output.part(1, of: 2) * guidance : output
                let fresh = step.noise == 0 ? nil : stepNoise?(i) ?? .stacked(requests.map { self.stepNoise($0, step: i) })
                state.take(step, output: direction, noise: fresh)
                try progress(i + 1)
            }
            return state.latents
        }
    }

    /// Bytes of the picture, `[H, W, 3]`, of final latents `[1, h, w, C]`.
    /// - Throws: `NotFinite`.
    public func decode(_ latents: Tensor, tiling: VAETiling? = nil) throws -> (bytes: [UInt8], width: Int, height: Int) {
        precondition(latents.shape[0] == 1, "TextToImage.decode: \(latents.shape)")
        return try Tape.paused {
            let pixels = vae.decode(latents, tiling: tiling)
            let bytes = try pixels.values.map { v in
                guard v.isFinite else { throw NotFinite() }
                // diffusers' postprocess rounds as here.
                return UInt8((min(max(v / 2 + 0.5, 0), 1) * 255).rounded(.toNearestOrEven))
            }
            return (bytes, pixels.shape[2], pixels.shape[1])
        }
    }

    /// A picture that came out as numbers that are not finite: of damaged weights, or of a strength that is far too high.
    public struct NotFinite: Error {}

    /// The negative prompts of all requests where there is guidance, then their prompts.
    private func embedding(_ requests: [RenderRequest], guided: Bool) -> PromptEmbedding {
        let positive = requests.map { prompts[$0.prompt] }
        let negative = !guided ? [] : zip(requests, positive).map { request, positive in
            request.negativePrompt == nil && zerosForEmptyPrompt
                ? PromptEmbedding(states: Tensor(zeros: positive.states.shape), pooled: Tensor(zeros: positive.pooled.shape))
                : prompts[request.negativePrompt ?? ""]
        }
        let all = negative + positive
        return PromptEmbedding(states: .stacked(all.map(\.states)), pooled: .stacked(all.map(\.pooled)))
    }
}

extension SDXLDirectory {
    /// Whether an absent negative prompt is zeros (diffusers' default for SDXL) or the encoded empty prompt.
    public func zerosForEmptyPrompt() throws -> Bool {
        guard try Folder.destination(path + "/model_index.json") != nil else { return true }
        return try ModelConfiguration(directory: path, file: "model_index.json").boolean("force_zeros_for_empty_prompt", default: true)
    }
}
