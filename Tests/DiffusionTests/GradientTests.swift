import Diffusion
import Tensors
import Testing
import Training
import Weights

/// Losses and LoRA gradients against PyTorch's autograd over PEFT adapters, whole and checkpointed: at most 1e-4.
@Suite(.serialized) struct GradientTests {
    enum Kind: String, CaseIterable { case masked, prior, dco }

    @Test(arguments: ModelGolden.all, [Checkpointing.keepEverything, .recompute])
    func loraGradients(_ golden: ModelGolden, _ keep: Checkpointing) throws {
        for kind in Kind.allCases {
            let (adapters, unet, base) = try golden.adapted()
            let images = kind == .masked ? 1 : 2
            let step = try Step(golden, "grad", images: images)
            let prediction = step.predict(unet, keep: keep)
            let baseErrors = kind == .dco ? step.predict(base).squaredError(to: step.target, mask: step.mask) : nil
            let loss = StepLoss(
                errors: prediction.squaredError(to: step.target, mask: step.mask), baseErrors: baseErrors, maskMeans: step.maskMeans,
                instances: kind == .dco ? 2 : 1, elements: step.elements, dcoBeta: kind == .dco ? golden.scalar("grad.beta") : 0,
                priorWeight: golden.scalar("grad.prior_weight"), normalizes: false)
            #expect(abs(loss.value / golden.scalar("grad.\(kind.rawValue).loss") - 1) < 1e-5, "\(kind)")
            prediction.backward(seed: prediction.squaredErrorGradient(to: step.target, mask: step.mask, factors: loss.factors.map(Float.init)))

            let wanted = golden.lora("grad.\(kind.rawValue)")
            var ours: [Float] = [], theirs: [Float] = []
            for (name, parameter) in adapters.parameters {
                let gradient = try #require(parameter.gradient, "\(name) has no gradient")
                let reference = try #require(wanted[name])
                ours += gradient.values
                theirs += reference
            }
                #expect(ours.count == golden["lora"].count)
            #expect(relativeError(ours, theirs) <= 1e-4, "\(kind)")
        }
    }
}

/// One recorded micro-step.
struct Step {
    let noisy, target, mask: Tensor, prompt: PromptEmbedding
    let timesteps: [Float], timeIDs: [[Float]], maskMeans: [Double], elements: Int

    /// `images`: how many of the batch are used; `row`: the micro-step, where there are several.
    init(_ golden: ModelGolden, _ key: String, images: Int, row: Int? = nil) throws {
        func image(_ name: String) -> Tensor { row.map { golden.image(key + "." + name, $0) } ?? golden.image(key + "." + name) }
        func plain(_ name: String) -> Tensor { row.map { golden.row(key + "." + name, $0) } ?? golden[key + "." + name] }
        let schedule = try golden.model.loadSchedule()
        let z = image("latents").rows(0, images), noise = image("noise").rows(0, images)
        let all = golden.integers(key + ".timestep")
        let perStep = row == nil ? all.count : all.count / golden[key + ".latents"].shape[0]
        let t = Array(all.dropFirst((row ?? 0) * perStep).prefix(images))
        timesteps = t.map(Float.init)
        (noisy, target) = schedule.noised(z, noise: noise, timesteps: t)
        let m = image("mask").rows(0, images)
        mask = m.reshaped(Array(m.shape.dropLast()))
        maskMeans = (0..<images).map { i in
            let values = m.rows(i, 1).values
            return values.reduce(0.0) { $0 + Double($1) } / Double(values.count)
        }
        prompt = PromptEmbedding(states: plain("context").rows(0, images), pooled: plain("pooled").rows(0, images))
        timeIDs = Array(golden.timeIDs(plain("time_ids")).prefix(images))
        elements = z.count / images
    }

    func predict(_ unet: UNet, keep: Checkpointing = .keepEverything) -> Tensor {
        unet(noisy, timesteps: timesteps, prompt: prompt, timeIDs: timeIDs, keep: keep)
    }
}
