import Files
import Foundation
import SegMix
import Tensors
import Weights

/// Writes what an independent program needs to train the very same LoRA: the drawn pictures, masks, noise, timesteps and
/// losses of each micro-step, and the LoRA before and after.
public struct Trace {
    public let directory: String

    /// - Throws: where the directory cannot be made.
    public init(directory: String) throws {
        self.directory = directory
        try Directory.create(directory)
        try AtomicFile.removeLeftovers(in: directory)
    }

    func writeInitial(_ adapters: AdapterSet) throws { try adapters.writeDiffusers(to: directory + "/lora-initial.safetensors") }
    func writeFinal(_ adapters: AdapterSet) throws { try adapters.writeDiffusers(to: directory + "/lora-final.safetensors") }

    private struct Collages: Encodable {
        let plans: [CollagePlan?]
        func encode(to encoder: any Encoder) throws {
            var list = encoder.unkeyedContainer()
            for plan in plans { try plan.map { try list.encode($0) } ?? list.encodeNil() }
        }
    }

    func write(_ step: MicroStep, loss: Double) throws {
        let examples = step.examples, n = examples.count
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        func json(_ value: some Encodable) throws -> String { String(decoding: try encoder.encode(value), as: UTF8.self) }
        var writer = SafetensorsWriter(metadata: [
            "prompts": try json(examples.map(\.prompt)), "files": try json(examples.map(\.files)),
            "crop": try json(examples.map(\.crop)), "collage": try json(Collages(plans: examples.map(\.collage))),
        ])
        writer.add("pixel_values", step.planarPixels)
        writer.add("mask", step.mask.reshaped([n, 1] + step.mask.shape.dropFirst()))
        writer.add("vae_noise", step.posteriorNoise)
        writer.add("noise", step.noise)
        writer.add("timesteps", shape: [n], integers: step.timesteps)
        writer.add("loss", shape: [1], [Float(loss)])
        writer.add("time_ids", shape: [n, 6], examples.flatMap(\.timeIDs))
        try writer.write(to: directory + String(format: "/step-%06d.safetensors", step.index))
    }
}
