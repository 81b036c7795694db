import Diffusion
import ModelGoldens
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
            let step = try RecordedStep(golden, "grad", images: images)
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
