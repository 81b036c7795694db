import ModelGoldens
import Tensors
import Testing

@testable import Diffusion

/// Tiles of eight latent pixels against diffusers' `enable_tiling`.
@Suite(.serialized) struct VAETilingTests {
    @Test(arguments: ["odd-a", "odd-b"]) func tilesAreBlendedAsDiffusersDoes(_ name: String) throws {
        let golden = ModelGolden(name), tiled = try Golden("samplers"), vae = try golden.model.loadVAE(), c = vae.configuration
        let tiling = VAETiling(latentSide: 8)
        // The reference decodes unscaled latents.
        let latents = vae.scaled(tiled["\(name).tiled.latent"].channelsLast())
        let wanted = tiled["\(name).tiled.decoded"].widened()
        let pixels = Tape.paused { vae.decode(latents, tiling: tiling) }
        #expect(pixels.shape == [1, 13 * c.downsampling, 21 * c.downsampling, 3])
        #expect(relativeError(pixels.channelsFirst(), wanted) < 1e-3)
        #expect(relativeError(Tape.paused { vae.decode(latents) }.channelsFirst(), wanted) > 1e-2)

        let bytes = tiled.integers("\(name).tiled.image"), shape = [1, 3, 12 * c.downsampling, 19 * c.downsampling]
        let image = Tensor(bytes.map { Float($0) / 127 }, shape: shape).channelsLast()
        let mean = Tape.paused { vae.encode(image, tiling: tiling).mean }
        #expect(relativeError(mean.channelsFirst(), tiled["\(name).tiled.encoded"]) < 2e-5)
    }

    @Test func whatFitsIntoOneTileIsTheSame() throws {
        let golden = ModelGolden("odd-a"), vae = try golden.model.loadVAE(), latents = golden.image("vae.latent")
        #expect(latents.shape[1] <= 8 && latents.shape[2] <= 8)
        #expect(Tape.paused { vae.decode(latents, tiling: VAETiling(latentSide: 8)).values == vae.decode(latents).values })
    }
}
