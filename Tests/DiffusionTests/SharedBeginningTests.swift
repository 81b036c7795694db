import Diffusion
import Layers
import ModelGoldens
import Tensors
import Testing
import Weights

/// What is computed once and used several times gives the same bits as what is computed each time.
@Suite(.serialized) struct SharedBeginningTests {
    @Test(arguments: ModelGolden.all) func theFrozenTwinGoesOnFromTheAdaptedOnesBeginning(_ golden: ModelGolden) throws {
        let (_, unet, base) = try golden.adapted(), step = try RecordedStep(golden, "grad", images: 2)
        let beginning = unet.begin(step.noisy, timesteps: step.timesteps, prompt: step.prompt, timeIDs: step.timeIDs)
        let own = step.predict(base).values, adapted = step.predict(unet).detached.values
        #expect(base.end(beginning).values == own && unet.end(beginning).detached.values == adapted && own != adapted)
        // The first image alone, from the batch's beginning and from one of its own.
        let one = try RecordedStep(golden, "grad", images: 1), first = base.end(beginning.first(1))
        #expect(relativeError(first.values, one.predict(base).values) < 1e-6 && first.shape[0] == 1)
        #expect(relativeError(first.values, Array(own[..<first.count])) < 1e-6)
    }

    @Test(arguments: ModelGolden.all) func keysAndValuesOfAPromptAreKept(_ golden: ModelGolden) throws {
        let (_, unet, _) = try golden.adapted(), step = try RecordedStep(golden, "grad", images: 2)
        Tape.paused {
            var prompt = step.prompt
            prompt.memory = KeyValueMemory()
            func predict(_ prompt: PromptEmbedding, _ t: Float) -> [Float] {
                unet(step.noisy, timesteps: [t, t], prompt: prompt, timeIDs: step.timeIDs).values
            }
            for t: Float in [700, 300, 300] { #expect(predict(prompt, t) == predict(step.prompt, t)) }
            // It is they that are looked at: another prompt with the same memory changes only what is not in it.
            var other = PromptEmbedding(states: step.prompt.states * 2, pooled: step.prompt.pooled)
            other.memory = prompt.memory
            #expect(predict(other, 300) == predict(step.prompt, 300))
            other.memory = nil
            #expect(predict(other, 300) != predict(step.prompt, 300))
        }
    }
}
