import Diffusion
import Files
import Foundation
import Jobs
import Tensors
import Weights

/// Writes SDXL models with random weights in diffusers layout, of any size, so that a machine without a downloaded
/// model can run everything. diffusers loads them (`StableDiffusionXLPipeline.from_pretrained`), and so does this program.
///
/// Names and shapes of the tensors are what this program's own models ask for when they are loaded; the numbers are a
/// pure function of the seed. Weights are made and written piece by piece: any size needs the memory of a small one.
public struct ModelMaker: Sendable {
    public var preset: ModelPreset
    /// `PART.KEY=VALUE`, changes to the preset's configurations; see `ModelShape.set`.
    public var settings: [String]
    public var seed: UInt64
    /// The type of the weights in the files.
    public var type: ElementType
    /// A folder with a tokenizer, or a model with two; nil: a small vocabulary of our own.
    public var tokenizer: String?

    public init(preset: ModelPreset = .tiny, settings: [String] = [], seed: UInt64 = 0, type: ElementType = .float32, tokenizer: String? = nil) {
        (self.preset, self.settings, self.seed, self.type, self.tokenizer) = (preset, settings, seed, type, tokenizer)
    }

    /// What was written of one part.
    public struct PartSummary: Equatable, Sendable {
        public let part: ModelPart
        public let tensors, parameters, bytes: Int
    }

    /// Writes the model; `directory` appears whole or not at all. It must not be there, or be empty.
    ///
    /// `progress` hears how many bytes are written of how many.
    ///
    /// Throws `JobFailure` (usage) where something is there, `Fault` for settings, `ModelError` for configurations that cannot be or do not fit each other,
    /// `TokenizerError`, `FileError`.
    @discardableResult
    public func write(to directory: String, progress: (Int, Int) -> Void = { _, _ in }) throws -> [PartSummary] {
        var path = directory
        while path.count > 1 && path.hasSuffix("/") { path.removeLast() }
        try Directory.create(Directory.parent(of: path))
        // An empty folder makes way.
        if Folder.isDirectory(path) { rmdir(path) }
        if Folder.exists(path) { throw JobFailure(.usage, "\(path) is there already; remove it, or name another folder") }
        do {
            return try AtomicDirectory.build(path) { try writeContents($0, name: path, progress) }
        } catch let error as ModelError {
            throw ModelError(path: path, reason: error.reason)
        }
    }

    /// Everything below `folder`, which is `name` once it is whole.
    private func writeContents(_ folder: String, name: String, _ progress: (Int, Int) -> Void) throws -> [PartSummary] {
        let tokenizers = try ModelTokenizers(tokenizer)
        var shape = ModelShape(preset, vocabulary: tokenizers.vocabulary)
        for setting in settings { try shape.set(setting) }
        for part in [ModelPart.textEncoder, .textEncoder2] { shape[part]["torch_dtype"] = .text(type.rawValue) }

        for part in ModelPart.allCases {
            try Directory.create(Directory.joined(folder, part.rawValue))
            try AtomicFile.write(shape[part].json, to: "\(folder)/\(part.rawValue)/config.json")
        }
        try Directory.create("\(folder)/scheduler")
        try AtomicFile.write(shape.scheduler.json, to: "\(folder)/scheduler/scheduler_config.json")
        try AtomicFile.write(ModelShape.modelIndex.json, to: "\(folder)/model_index.json")
        try tokenizers.write(to: folder)

        let plan = try ModelPlan(directory: folder, shape: shape, vocabulary: tokenizers.vocabulary)
        try checkSpace(plan.parameters * type.byteCount, for: name)
        return try writeWeights(plan, to: folder, progress)
    }

    private func writeWeights(_ plan: ModelPlan, to folder: String, _ progress: (Int, Int) -> Void) throws -> [PartSummary] {
        let fill = RandomFill(seed: seed, type: type)
        let total = plan.parameters * type.byteCount
        return try withoutActuallyEscaping(progress) { progress in
            var written = 0
            var summaries: [PartSummary] = []
            for (number, part) in ModelPart.allCases.enumerated() {
                let tensors = plan.tensors[part]!
                var writer = SafetensorsWriter(metadata: ["format": "pt"])
                for (i, tensor) in tensors.enumerated() {
                    let weights = InitialWeights.of(tensor, part: part, latentChannels: plan.latentChannels, scalingFactor: plan.scalingFactor)
                    // Each part has its own range of numbers, so that changing one leaves the others as they were.
                    let place = number << 20 | i
                    writer.add(tensor.key, SafetensorsType(type), shape: tensor.shape) { sink in
                        try fill.write(weights, count: tensor.count, rowLength: tensor.shape.dropFirst().reduce(1, *), tensor: place) { piece in
                            try sink(piece)
                            written += piece.count
                            progress(written, total)
                        }
                    }
                }
                try writer.write(to: "\(folder)/\(part.rawValue)/\(part.weightsName).safetensors")
                let parameters = tensors.reduce(0) { $0 + $1.count }
                summaries.append(PartSummary(part: part, tensors: tensors.count, parameters: parameters, bytes: parameters * type.byteCount))
            }
            return summaries
        }
    }

    private func checkSpace(_ bytes: Int, for path: String) throws {
        guard let free = Directory.freeBytes(at: Directory.parent(of: path)), free < bytes else { return }
        throw FileError(
            "write", path, reason: "the model takes \(bytes >> 20) MiB and the disk has \(free >> 20) MiB left",
            remedy: "Free space, choose another place, or a smaller preset")
    }
}
