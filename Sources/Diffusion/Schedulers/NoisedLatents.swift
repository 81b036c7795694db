import Tensors

extension NoiseSchedule {
    /// The forward process on a batch, each image at its own timestep, and what the UNet should predict for it:
    /// both shaped as `latents`, `[N, …]`.
    public func noised(_ latents: Tensor, noise: Tensor, timesteps: [Int]) -> (noisy: Tensor, target: Tensor) {
        precondition(latents.shape == noise.shape && timesteps.count == latents.shape[0],
                     "noised: latents \(latents.shape), noise \(noise.shape), \(timesteps.count) timesteps")
        let noisy = Tensor(uninitialized: latents.shape), target = Tensor(uninitialized: latents.shape)
        let each = latents.count / timesteps.count
        for (image, t) in timesteps.enumerated() {
            let signal = signal(t), share = self.noise(t)
            for i in image * each..<(image + 1) * each {
                let z = latents.floats[i], e = noise.floats[i]
                noisy.floats[i] = signal * z + share * e
                target.floats[i] = prediction == .epsilon ? e : signal * e - share * z
            }
        }
        return (noisy, target)
    }
}
