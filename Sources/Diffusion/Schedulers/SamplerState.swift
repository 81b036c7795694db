import Tensors

/// Latents on their way through a sampler's steps, and the clean latent that the last step predicted.
struct SamplerState {
    /// `[N, h, w, C]`
    private(set) var latents: Tensor
    private var clean: Tensor?

    init(_ latents: Tensor) { self.latents = latents }

    /// Takes a step with the model's (guided) output and, where the step wants it, fresh N(0, I), both shaped as the latents.
    mutating func take(_ step: Sampler.Step, output: Tensor, noise: Tensor?) {
        precondition((noise != nil) == (step.noise != 0), "SamplerState: noise \(noise == nil ? "missing" : "given"), its share is \(step.noise)")
        var next = latents * step.latents
        if step.output != 0 { next = next + output * step.output }
        var clean: Tensor?
        if let denoised = step.denoised {
            let predicted = latents * denoised.latents + output * denoised.output
            if let clip = step.clip { for i in 0..<predicted.count { predicted.floats[i] = min(max(predicted.floats[i], -clip), clip) } }
            next = next + predicted * step.clean
            clean = predicted
        }
        if step.earlier != 0 {
            guard let before = self.clean else { preconditionFailure("SamplerState: no clean latent of an earlier step") }
            next = next + before * step.earlier
        }
        if let noise { next = next + noise * step.noise }
        (latents, self.clean) = (next, clean)
    }
}
