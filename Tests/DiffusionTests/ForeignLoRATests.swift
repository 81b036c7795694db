import ModelGoldens
import Tensors
import Testing
import Weights

@testable import Diffusion

/// LoRA files of other trainers against the UNet of diffusers that has loaded them.
@Suite(.serialized) struct ForeignLoRATests {
    @Test(arguments: [("kohya", [("kohya", 0.8)]), ("peft", [("peft", 1.3)]), ("both", [("kohya", 0.7), ("peft", -0.4)]), ("mixed", [("mixed", 0.9)])] as [(String, [(String, Float)])])
    func outputs(_ key: String, _ files: [(String, Float)]) throws {
        let golden = ModelGolden("odd-a"), wanted = try Golden("lora-outputs")[key]
        let adapters = AdapterSet(
            stacking: try files.map { (file: try LoRAFile.read(Golden.models.path + "/lora-\($0.0).safetensors"), scale: $0.1) },
            layersPerBlock: try golden.model.layersPerBlock())
        let unet = try golden.model.loadUNet(adapters: adapters)
        func output() -> Tensor {
            Tape.paused {
                unet(golden.image("unet.0.sample"), timesteps: golden.integers("unet.0.timestep").map { Float($0) },
                     prompt: PromptEmbedding(states: golden["unet.0.context"], pooled: golden["unet.0.pooled"]),
                     timeIDs: golden.timeIDs(golden["unet.0.time_ids"]))
            }
        }
        let plain = output()
        // A LoRA at 1.3 of this model multiplies the rounding of its norms, ours and PyTorch's, by twenty.
        #expect(relativeError(plain.channelsFirst(), wanted) <= 2e-5)
        #expect(adapters.ignoredTextModules.isEmpty == (key == "peft" || key == "mixed"))
        // Scaled to nothing it is the model without; afterwards it is what it was.
        let none = adapters.scaled(by: 0) { output() }
        #expect(relativeError(none.channelsFirst(), golden["unet.0.output"]) <= 1e-5)
        #expect(output().values == plain.values)
    }
}
