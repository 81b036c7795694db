import Diffusion
import Foundation
import Weights

/// Every tensor of a model that does not exist yet, found by building the model over stores without files.
struct ModelPlan {
    let tensors: [ModelPart: [PlannedTensor]]
    let latentChannels: Int
    let scalingFactor: Float

    var parameters: Int { tensors.values.joined().reduce(0) { $0 + $1.count } }

    /// Reads the configurations in `directory` and checks that they fit each other.
    ///
    /// Throws `ModelError` and `ScheduleError`.
    init(directory: String, shape: ModelShape, vocabulary: Int) throws {
        func folder(_ part: ModelPart) -> String { "\(directory)/\(part.rawValue)" }
        func reading<Value>(_ part: ModelPart, _ read: (String) throws -> Value) throws -> Value {
            do {
                return try read(folder(part))
            } catch let error as ModelError {
                throw ModelError(path: directory, reason: "\(part.rawValue)/config.json: \(error.reason)")
            }
        }
        let unet = try reading(.unet) { try UNetConfiguration(directory: $0) }
        let vae = try reading(.vae) { try VAEConfiguration(directory: $0) }
        let text1 = try reading(.textEncoder) { try CLIPConfiguration(directory: $0) }
        let text2 = try reading(.textEncoder2) { try CLIPConfiguration(directory: $0) }
        _ = try SchedulerConfiguration(json: Data(shape.scheduler.json.utf8), file: "scheduler/scheduler_config.json")
        try shape.check(unet: unet, vae: vae, text1: text1, text2: text2, directory: directory)
        for (part, text) in [(ModelPart.textEncoder, text1), (.textEncoder2, text2)] {
            guard text.vocabulary >= vocabulary, text.positions >= 77 else {
                throw ModelError(path: directory, reason: "\(part.rawValue) has vocab_size \(text.vocabulary) and max_position_embeddings \(text.positions), but the tokenizer needs \(vocabulary) and 77")
            }
        }

        func plan(_ part: ModelPart, _ build: (WeightScope) -> Void) -> [PlannedTensor] {
            let store = WeightStore(planning: folder(part))
            build(store.root)
            return store.planned
        }
        tensors = [
            .unet: plan(.unet) { _ = UNet($0, unet) },
            .vae: plan(.vae) { _ = VAE($0, vae) },
            .textEncoder: plan(.textEncoder) { _ = CLIPTextEncoder($0, text1) },
            .textEncoder2: plan(.textEncoder2) { _ = CLIPTextEncoder($0, text2) },
        ]
        (latentChannels, scalingFactor) = (vae.latentChannels, Float(vae.scalingFactor))
    }
}
