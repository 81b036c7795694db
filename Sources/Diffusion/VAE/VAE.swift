import Foundation
import Layers
import Tensors
import Weights

/// The autoencoder between pixels and latents (diffusers' `AutoencoderKL`). Frozen; always float32: SDXL's overflows in half precision.
public final class VAE {
    public let configuration: VAEConfiguration
    private let encoder: VAEEncoder
    private let decoder: VAEDecoder
    private let quant, postQuant: Conv2D?

    /// Call the store's `finish()` afterwards.
    public init(_ weights: WeightScope, _ c: VAEConfiguration) {
        configuration = c
        encoder = VAEEncoder(weights["encoder"], c)
        decoder = VAEDecoder(weights["decoder"], c)
        quant = c.quantConv ? Conv2D(weights["quant_conv"], inputs: 2 * c.latentChannels, outputs: 2 * c.latentChannels, size: 1) : nil
        postQuant = c.postQuantConv ? Conv2D(weights["post_quant_conv"], inputs: c.latentChannels, outputs: c.latentChannels, size: 1) : nil
    }

    /// Mean and log-variance of the posterior, each `[N, H/f, W/f, latentChannels]`, of pixels `[N, H, W, 3]` in [−1, 1].
    public func encode(_ pixels: Tensor, tiling: VAETiling? = nil) -> (mean: Tensor, logVariance: Tensor) {
        func whole(_ pixels: Tensor) -> Tensor {
            let moments = encoder(pixels)
            return quant.map { $0(moments) } ?? moments
        }
        let moments: Tensor, c = configuration.latentChannels
        if let tiling, VAETiling.isNeeded(pixels, side: tiling.latentSide * configuration.downsampling) {
            moments = VAETiling.joined(pixels, side: tiling.latentSide * configuration.downsampling, outSide: tiling.latentSide, whole)
        } else {
            moments = whole(pixels)
        }
        return (moments.columns(0, c), moments.columns(c, c))
    }

    /// Scaled latents of pixels: the posterior's sample with the given noise (same shape as the mean), then
    ///
    ///     z = mean + exp(½·clamp(logvar, −30, 20))·ε
    ///     scaling_factor·z, or (z − latents_mean)·scaling_factor/latents_std
    public func latents(_ pixels: Tensor, noise: Tensor) -> Tensor {
        let (mean, logVariance) = encode(pixels)
        return latents(mean: mean, logVariance: logVariance, noise: noise)
    }

    /// The same from what `encode(_:)` gave.
    public func latents(mean: Tensor, logVariance: Tensor, noise: Tensor) -> Tensor {
        precondition(noise.shape == mean.shape, "VAE: noise \(noise.shape) for latents \(mean.shape)")
        let z = Tensor(uninitialized: mean.shape), (m, v, e, out) = (mean.floats, logVariance.floats, noise.floats, z.floats)
        for i in 0..<z.count { out[i] = m[i] + exp(0.5 * min(max(v[i], -30), 20)) * e[i] }
        return scaled(z)
    }

    /// Latents as the UNet knows them from latents as the VAE gives them.
    public func scaled(_ z: Tensor) -> Tensor {
        let factor = Float(configuration.scalingFactor), channels = configuration.latentChannels
        guard let mean = configuration.latentsMean, let std = configuration.latentsStd else { return z * factor }
        let out = Tensor(uninitialized: z.shape)
        for i in 0..<z.count { out.floats[i] = (z.floats[i] - Float(mean[i % channels])) * factor / Float(std[i % channels]) }
        return out
    }

    /// Whether the decoder gives numbers at all, found out with a small picture.
    public var decodesToNumbers: Bool {
        Tape.paused { decode(Tensor(zeros: [1, 4, 4, configuration.latentChannels])).values.allSatisfy(\.isFinite) }
    }

    /// Pixels `[N, H, W, 3]`, about in [−1, 1], of latents as the UNet knows them.
    public func decode(_ latents: Tensor, tiling: VAETiling? = nil) -> Tensor {
        let factor = Float(configuration.scalingFactor), channels = configuration.latentChannels
        let z = Tensor(uninitialized: latents.shape)
        for i in 0..<z.count {
            var v = latents.floats[i]
            if let mean = configuration.latentsMean, let std = configuration.latentsStd {
                v = v * Float(std[i % channels]) / factor + Float(mean[i % channels])
            } else {
                v /= factor
            }
            z.floats[i] = v
        }
        func whole(_ z: Tensor) -> Tensor { decoder(postQuant.map { $0(z) } ?? z) }
        guard let tiling, VAETiling.isNeeded(z, side: tiling.latentSide) else { return whole(z) }
        return VAETiling.joined(z, side: tiling.latentSide, outSide: tiling.latentSide * configuration.downsampling, whole)
    }
}
