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

    private var initial: String { directory + "/lora-initial.safetensors" }
    private var final: String { directory + "/lora-final.safetensors" }
    private func step(_ index: Int) -> String { directory + String(format: "/step-%06d.safetensors", index) }

    /// Sees to it that what is written will be the trace of one run, from its first micro-step to its last.
    ///
    /// - Parameters:
    ///   - done: micro-steps that a run which goes on has behind it.
    ///   - count: all micro-steps of the run.
    /// - Throws: `TrainingError.otherTrace`.
    func begin(after done: Int, of count: Int, _ adapters: AdapterSet) throws {
        let names = Set(try FileManager.default.contentsOfDirectory(atPath: directory))
        func has(_ path: String) -> Bool { names.contains(URL(fileURLWithPath: path).lastPathComponent) }
        if done > 0 {
            for path in [initial] + (0..<done).map(step) where !has(path) {
                throw TrainingError.otherTrace(path: path, reason: "is missing, so that this would be no trace of the whole run; give --trace from the first step on")
            }
        }
        let beyond = names.first { $0.hasPrefix("step-") && Int($0.dropFirst(5).prefix { $0 != "." }).map { $0 >= count } ?? false }
        if let beyond { throw TrainingError.otherTrace(path: directory + "/" + beyond, reason: "is of another run; give this one another --trace") }
        if has(final), done < count { throw TrainingError.otherTrace(path: final, reason: "ends a trace that is whole; give this run another --trace") }
        guard done == 0 else { return }
        let before = has(initial) ? FileManager.default.contents(atPath: initial) : nil
        try adapters.writeDiffusers(to: initial)
        guard let before, before != FileManager.default.contents(atPath: initial) else { return }
        try AtomicFile.write(before, to: initial)
        throw TrainingError.otherTrace(path: initial, reason: "is of another run; give this one another --trace")
    }

    func writeFinal(_ adapters: AdapterSet) throws { try adapters.writeDiffusers(to: final) }

    private struct Collages: Encodable {
        let plans: [CollagePlan?]
        func encode(to encoder: any Encoder) throws {
            var list = encoder.unkeyedContainer()
            for plan in plans { try plan.map { try list.encode($0) } ?? list.encodeNil() }
        }
    }

    func write(_ micro: MicroStep, loss: Double) throws {
        let examples = micro.examples, n = examples.count
        let encoder = JSONEncoder([.sortedKeys, .withoutEscapingSlashes])
        func json(_ value: some Encodable) throws -> String { String(decoding: try encoder.encode(value), as: UTF8.self) }
        var writer = SafetensorsWriter(metadata: [
            "prompts": try json(examples.map(\.prompt)), "files": try json(examples.map(\.files)),
            "crop": try json(examples.map(\.crop)), "collage": try json(Collages(plans: examples.map(\.collage))),
        ])
        writer.add("pixel_values", micro.planarPixels)
        writer.add("mask", micro.mask.reshaped([n, 1] + micro.mask.shape.dropFirst()))
        writer.add("vae_noise", micro.posteriorNoise)
        writer.add("noise", micro.noise)
        writer.add("timesteps", shape: [n], integers: micro.timesteps)
        writer.add("loss", shape: [1], [Float(loss)])
        writer.add("time_ids", shape: [n, 6], examples.flatMap(\.timeIDs))
        try writer.write(to: step(micro.index))
    }
}
