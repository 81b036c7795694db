import Diffusion
import ModelGoldens
import Tensors
import Testing

/// Four Euler steps with guidance against `StableDiffusionXLPipeline`.
@Suite(.serialized) struct TextToImageTests {
    @Test(arguments: ModelGolden.all) func latentsAfterFourSteps(_ golden: ModelGolden) throws {
        var table = PromptTable()
        table["yes"] = PromptEmbedding(states: golden["sample.context"], pooled: golden["sample.pooled"])
        table["no"] = PromptEmbedding(states: golden["sample.negative_context"], pooled: golden["sample.negative_pooled"])
        let vae = try golden.model.loadVAE(), ids = golden.timeIDs(golden["sample.time_ids"])[0]
        let make = TextToImage(
            unet: try golden.model.loadUNet(), vae: vae, schedule: try golden.model.loadSchedule(), prompts: table, zerosForEmptyPrompt: true)
        let noise = golden.image("sample.initial"), wanted = golden["sample.latents"]
        let f = vae.configuration.downsampling
        var request = RenderRequest(
            prompt: "yes", negativePrompt: "no", seed: 0, steps: 4, guidance: golden.scalar("sample.guidance"),
            width: noise.shape[2] * f, height: noise.shape[1] * f)
        (request.conditioningWidth, request.conditioningHeight) = (Int(ids[1]), Int(ids[0]))
        let latents = try make.latents(request, noise: noise) { _ in }
        #expect(relativeError(latents.channelsFirst().values, wanted.rows(3, 1).values) <= 1e-5)
    }
}
