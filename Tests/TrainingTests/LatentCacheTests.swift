import CPUDevice
import Diffusion
import Foundation
import Images
import ModelGoldens
import SegMix
import Tensors
import TestFolders
import Testing
@testable import Training

/// Latents are the same to the bit whether a picture is encoded or found again, and those of a batch but for rounding: how
/// OpenBLAS sums a row depends on how many there are, on some processors.
@Suite(.serialized) struct LatentCacheTests {
    /// Micro-steps 0, 1, … of a run that shows plain photos only.
    private func batches(_ count: Int, centered: Bool) throws -> (vae: VAE, batches: [MicroStep], scratch: TemporaryFolder) {
        var run = try SmallRun()
        run.sampler.centerCrop = centered
        run.sampler.segmixProbability = 0
        let vae = try run.model.loadVAE(), sampler = try run.examples()
        let made = try (0..<count).map {
            MicroStep(
                index: $0, examples: try sampler.examples(microStep: $0, optimizerStep: $0), seed: 3, channels: vae.configuration.latentChannels,
                factor: vae.configuration.downsampling, timestepCount: 1000)
        }
        return (vae, made, run.scratch)
    }

    @Test(arguments: [true, false]) func latentsDoNotDependOnWhatIsKnown(_ centered: Bool) throws {
        let (vae, batches, _) = try batches(12, centered: centered)
        let cache = LatentCache(vae), none = LatentCache(vae, capacity: 0)
        var crops: Set<[String]> = []
        for batch in batches {
            let latents = cache.latents(of: batch)
            #expect(latents.values == none.latents(of: batch).values)
            // Both pictures in one go, as a batch.
            let together = vae.latents(.stacked([batch.pixels(0), batch.pixels(1)]), noise: batch.posteriorNoise.channelsLast())
            #expect(together.shape == [2, 8, 8, vae.configuration.latentChannels] && relativeError(latents.values, together.values) < 1e-6)
            for example in batch.examples { crops.insert(example.files + example.crop!.map(String.init)) }
        }
        #expect(cache.encoded == crops.count && cache.found == 24 - crops.count && cache.found > 0)
        #expect(cache.bytes == crops.count * 2 * 64 * 4 * 4 && none.encoded == 24 && none.bytes == 0)
        // Four photos and four priors, each with one crop.
        if centered { #expect(crops.count == 8) } else { #expect(crops.count > 8) }
    }

    @Test func theLeastRecentlyUsedGoFirst() throws {
        let (vae, batches, _) = try batches(12, centered: true)
        let one = 2 * 64 * 4 * 4, cache = LatentCache(vae, capacity: 3 * one)
        for batch in batches {
            let noise = batch.posteriorNoise.channelsLast()
            let wanted = (0..<2).map { vae.latents(batch.pixels($0), noise: noise.rows($0, 1)) }
            #expect(cache.latents(of: batch).values == wanted.flatMap(\.values))
            #expect(cache.bytes <= 3 * one)
        }
        #expect(cache.bytes == 3 * one && cache.encoded > 8 && cache.encoded + cache.found == 24)
    }

    /// Composites are kept only where they come again, each beside those of the same files.
    @Test(arguments: [0, 2]) func compositesOutOfAPool(_ pool: Int) throws {
        var run = try SmallRun()
        (run.sampler.segmixProbability, run.sampler.latentPool) = (1, pool)
        let vae = try run.model.loadVAE(), sampler = try run.examples(), cache = LatentCache(vae), none = LatentCache(vae, capacity: 0)
        var pictures: Set<[UInt8]> = []
        for i in 0..<12 {
            let batch = MicroStep(
                index: i, examples: try sampler.examples(microStep: i, optimizerStep: i), seed: 3, channels: vae.configuration.latentChannels,
                factor: vae.configuration.downsampling, timestepCount: 1000)
            #expect(cache.latents(of: batch).values == none.latents(of: batch).values)
            batch.examples.forEach { pictures.insert($0.picture.bytes) }
        }
        #expect(cache.encoded == pictures.count && cache.found == 24 - pictures.count && (pool == 0) == (cache.bytes == 0) && (pool == 0) == (cache.found == 0))
    }
}
