import Diffusion
import ModelGoldens
import Tensors
import Testing
import Weights

/// Every model part against diffusers and transformers: relative L2 error at most 2e-5.
@Suite(.serialized) struct ModelTests {
    static let limit = 2e-5

    @Test(arguments: ModelGolden.all) func textEncoders(_ golden: ModelGolden) throws {
        for (i, folder) in ["text_encoder", "text_encoder_2"].enumerated() {
            let encoder = try golden.model.loadTextEncoder(folder)
            let ids = golden.integers("text.ids.\(i + 1)"), hidden = golden["text.hidden.\(i + 1)"]
            // All prompts as one batch, each compared for itself.
            let prompts = stride(from: 0, to: ids.count, by: 77).map { Array(ids[$0..<$0 + 77]) }
            let (states, pooled) = encoder(prompts)
            for p in prompts.indices {
                #expect(relativeError(states.rows(p, 1), hidden.rows(p, 1)) <= Self.limit, "\(folder), prompt \(p)")
                if let pooled {
                    #expect(relativeError(pooled.rows(p, 1), golden["text.pooled.2"].rows(p, 1)) <= Self.limit, "pooled, prompt \(p)")
                }
            }
            #expect((encoder.configuration.projection != nil) == (i == 1))
        }
    }

    @Test(arguments: ModelGolden.all) func vae(_ golden: ModelGolden) throws {
        let vae = try golden.model.loadVAE()
        let (mean, logVariance) = vae.encode(golden.image("vae.image"))
        #expect(relativeError(mean.channelsFirst(), golden["vae.mean"]) <= Self.limit)
        #expect(relativeError(logVariance.channelsFirst(), golden["vae.logvar"]) <= Self.limit)
        let latents = vae.latents(golden.image("vae.image"), noise: golden.image("vae.noise"))
        #expect(relativeError(latents.channelsFirst(), golden["vae.encoded"]) <= Self.limit)
        // What was decoded is the VAE's own latent: scaling it first and decoding takes the scaling back.
        let decoded = vae.decode(vae.scaled(golden.image("vae.latent")))
        #expect(relativeError(decoded.channelsFirst(), golden["vae.decoded"]) <= Self.limit)
    }

    @Test(arguments: ModelGolden.all) func unet(_ golden: ModelGolden) throws {
        let unet = try golden.model.loadUNet()
        for k in 0..<2 {
            let y = unet(
                golden.image("unet.\(k).sample"), timesteps: golden.integers("unet.\(k).timestep").map(Float.init),
                prompt: PromptEmbedding(states: golden["unet.\(k).context"], pooled: golden["unet.\(k).pooled"]),
                timeIDs: golden.timeIDs(golden["unet.\(k).time_ids"]))
            #expect(relativeError(y.channelsFirst(), golden["unet.\(k).output"]) <= Self.limit, "input \(k)")
        }
    }

    @Test(arguments: ModelGolden.all) func unetWithLoRA(_ golden: ModelGolden) throws {
        let y = try Tape.paused {
            try golden.adapted().unet(
                golden.image("unet.0.sample"), timesteps: golden.integers("unet.0.timestep").map(Float.init),
                prompt: PromptEmbedding(states: golden["unet.0.context"], pooled: golden["unet.0.pooled"]),
                timeIDs: golden.timeIDs(golden["unet.0.time_ids"]))
        }
        #expect(relativeError(y.channelsFirst(), golden["lora.output"]) <= Self.limit)
        #expect(!y.isTracked)
    }
}
