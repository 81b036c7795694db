import Foundation
import Tensors

/// The low-rank adapters (LoRA) of a UNet, keyed by the module's diffusers path. One set is either made for training, or
/// holds what LoRA files say, for rendering.
///
/// A model under construction asks for its modules' adapters through `WeightScope.adapters`; asking twice gives the same.
public final class AdapterSet {
    /// One adapted module: `W + scale·up·down`, `down` is `[rank, inputs]`, `up` is `[outputs, rank]`.
    public struct Entry {
        public let path: String
        public let inputs, outputs: Int
        public let adapter: LowRank
    }

    private enum Source {
        case new(rank: Int, alpha: Float, seed: UInt64)
        case blank(rank: Int)
        case files([(file: LoRAFile, scale: Float)], layersPerBlock: Int?)
    }

    private let source: Source
    /// In the order in which they were first asked for.
    public private(set) var entries: [Entry] = []
    private var index: [String: Int] = [:]
    private var claimed: [Set<String>]
    private var misshapen: [String] = []

    /// Names of the modules that training adapts, as the ends of their paths.
    public static let targets = [".to_q", ".to_k", ".to_v", ".to_out.0"]

    /// A set for training: every attention projection gets `down` ~ N(0, 1/rank) (that is the standard deviation, PEFT's
    /// "gaussian"), drawn from the stream (seed, adapter, 0, i) for the i-th module asked for, and `up` = 0.
    public init(rank: Int, alpha: Float, seed: UInt64) {
        precondition(rank > 0 && alpha > 0 && alpha.isFinite, "AdapterSet: rank \(rank), alpha \(alpha)")
        source = .new(rank: rank, alpha: alpha, seed: seed)
        claimed = []
    }

    /// A set of the shapes of one made for training, whose numbers are whatever was in memory: for counting only.
    public init(blankOfRank rank: Int) {
        source = .blank(rank: rank)
        claimed = []
    }

    /// A set that holds LoRA files, each with its own strength, for any linear module they adapt. Several adapters of one
    /// module become one of their common rank: `Σ sᵢ·Bᵢ·Aᵢ = [s₁B₁ s₂B₂ …]·[A₁; A₂; …]`.
    ///
    /// `layersPerBlock`: the UNet's, to read kohya's original names.
    public init(stacking files: [(file: LoRAFile, scale: Float)], layersPerBlock: Int?) {
        source = .files(files, layersPerBlock: layersPerBlock)
        claimed = Array(repeating: [], count: files.count)
    }

    /// The rank and alpha of a set made for training; nil for one of files.
    public var rankAndAlpha: (rank: Int, alpha: Float)? {
        if case .new(let rank, let alpha, _) = source { (rank, alpha) } else { nil }
    }

    /// The adapter of the module at `path`; nil where it has none.
    public func adapter(for path: String, inputs: Int, outputs: Int) -> LowRank? {
        if let known = index[path].map({ entries[$0] }) {
            precondition(known.inputs == inputs && known.outputs == outputs, "AdapterSet: \(path) is \(known.inputs)→\(known.outputs), asked as \(inputs)→\(outputs)")
            return known.adapter
        }
        let made: LowRank? = switch source {
        case .new(let rank, let alpha, let seed):
            Self.targets.contains { path.hasSuffix($0) } ? fresh(rank: rank, alpha: alpha, seed: seed, inputs: inputs, outputs: outputs) : nil
        case .blank(let rank):
            Self.targets.contains { path.hasSuffix($0) }
                ? LowRank(
                    down: Parameter(Tensor(uninitialized: [rank, inputs])), up: Parameter(Tensor(uninitialized: [outputs, rank])), scale: 1)
                : nil
        case .files(let files, let layersPerBlock):
            stacked(files, layersPerBlock, path, inputs: inputs, outputs: outputs)
        }
        guard let made else { return nil }
        index[path] = entries.count
        entries.append(Entry(path: path, inputs: inputs, outputs: outputs, adapter: made))
        return made
    }

    /// The trainable numbers with their names, `PATH.lora_A.weight` before `PATH.lora_B.weight`, in the set's order: the
    /// order of the optimizer and of resume points.
    public var parameters: [(name: String, parameter: Parameter)] {
        entries.flatMap { [("\($0.path).lora_A.weight", $0.adapter.down), ("\($0.path).lora_B.weight", $0.adapter.up)] }
    }

    /// Overwrites a training set, whose model has been built, with a file that has exactly its modules and ranks. Where the
    /// file's scale is another one, `up` is adjusted so that the adapted model is the file's.
    /// - Throws: `AdapterFaults` with everything missing, unknown or misshapen; nothing is changed then.
    public func load(_ file: LoRAFile, layersPerBlock: Int?) throws {
        guard let rank = rankAndAlpha?.rank else { preconditionFailure("AdapterSet.load: a set of files cannot be overwritten") }
        var faults = AdapterFaults(path: file.path)
        var found: [(Entry, LoRAModule)] = []
        var used: Set<String> = []
        for entry in entries {
            guard let module = file.module(for: entry.path, layersPerBlock: layersPerBlock) else {
                faults.missing.append(entry.path)
                continue
            }
            used.insert(module.name)
            if (module.rank, module.inputs, module.outputs) != (rank, entry.inputs, entry.outputs) {
                faults.misshapen.append(Self.mismatch(module, entry.path, rank: rank, inputs: entry.inputs, outputs: entry.outputs))
            }
            found.append((entry, module))
        }
        faults.unknown = file.modules.map(\.name).filter { !used.contains($0) }
        if !faults.isEmpty { throw faults }
        for (entry, module) in found {
            let ratio = module.scale / entry.adapter.scale
            Self.copy(module.down, into: entry.adapter.down)
            Self.copy(ratio == 1 ? module.up : module.up.map { $0 * ratio }, into: entry.adapter.up)
        }
    }

    /// Runs `body` with every adapter's part of its module multiplied by `factor`; afterwards all is as before, bit for bit.
    public func scaled<Result>(by factor: Float, _ body: () throws -> Result) rethrows -> Result {
        guard factor != 1 else { return try body() }
        let before = entries.map(\.adapter.up.value.values)
        defer { for (entry, values) in zip(entries, before) { Self.copy(values, into: entry.adapter.up) } }
        for (entry, values) in zip(entries, before) { Self.copy(values.map { $0 * factor }, into: entry.adapter.up) }
        return try body()
    }

    /// Runs `body`, which may overwrite the adapters; afterwards all is as before, bit for bit.
    public func restoring<Result>(_ body: () throws -> Result) rethrows -> Result {
        let before = parameters.map(\.parameter.value.values)
        defer { for ((_, parameter), values) in zip(parameters, before) { Self.copy(values, into: parameter) } }
        return try body()
    }

    /// Modules of text encoders that the files adapt too; only the UNet's are used.
    public var ignoredTextModules: [String] {
        guard case .files(let files, _) = source else { return [] }
        return files.flatMap { $0.file.modules.map(\.name).filter(LoRAKey.isOfTextEncoder) }
    }

    /// The end of building a model with a set of files. Adapters of text encoders are passed over (`ignoredTextModules`).
    /// - Throws: `AdapterFaults` where a file adapts modules that the model's UNet does not have, or has in another shape, or
    ///   none of it.
    public func finish() throws {
        guard case .files(let files, _) = source else { return }
        var faults = AdapterFaults(path: files.map(\.file.path).joined(separator: ", "))
        faults.misshapen = misshapen
        for (i, (file, _)) in files.enumerated() {
            let rest = file.modules.map(\.name).filter { !claimed[i].contains($0) }
            // A file of text encoders alone would change nothing: then its modules are what is unknown.
            faults.unknown += (claimed[i].isEmpty ? rest : rest.filter { !LoRAKey.isOfTextEncoder($0) }).map { Self.called($0, in: file, of: files.count) }
        }
        if !faults.isEmpty { throw faults }
    }

    private func fresh(rank: Int, alpha: Float, seed: UInt64, inputs: Int, outputs: Int) -> LowRank {
        var stream = RandomStream(seed: seed, purpose: .adapter, step: 0, index: entries.count)
        let deviation = 1 / Float(rank)
        let down = Tensor(stream.normals(rank * inputs).map { $0 * deviation }, shape: [rank, inputs])
        return LowRank(down: Parameter(down), up: Parameter(Tensor(zeros: [outputs, rank])), scale: alpha / Float(rank))
    }

    private func stacked(
        _ files: [(file: LoRAFile, scale: Float)], _ layersPerBlock: Int?, _ path: String, inputs: Int, outputs: Int
    ) -> LowRank? {
        var parts: [(module: LoRAModule, scale: Float)] = []
        for (i, (file, scale)) in files.enumerated() {
            guard let module = file.module(for: path, layersPerBlock: layersPerBlock) else { continue }
            claimed[i].insert(module.name)
            guard module.inputs == inputs, module.outputs == outputs else {
                misshapen.append(Self.called(Self.mismatch(module, path, rank: module.rank, inputs: inputs, outputs: outputs), in: file, of: files.count))
                continue
            }
            parts.append((module, scale * module.scale))
        }
        guard !parts.isEmpty else { return nil }
        let rank = parts.reduce(0) { $0 + $1.module.rank }
        var up: [Float] = []
        up.reserveCapacity(outputs * rank)
        for row in 0..<outputs {
            for (module, scale) in parts { up += module.up[row * module.rank..<(row + 1) * module.rank].lazy.map { $0 * scale } }
        }
        let down = Tensor(parts.flatMap(\.module.down), shape: [rank, inputs])
        return LowRank(down: Parameter(down), up: Parameter(Tensor(up, shape: [outputs, rank])), scale: 1)
    }

    /// Which file is meant, where there are several.
    private static func called(_ what: String, in file: LoRAFile, of count: Int) -> String {
        count > 1 ? what + " in " + URL(fileURLWithPath: file.path).lastPathComponent : what
    }

    private static func copy(_ values: [Float], into parameter: Parameter) {
        precondition(values.count == parameter.value.count, "AdapterSet: \(values.count) values for \(parameter.value.shape)")
        values.withUnsafeBufferPointer { parameter.value.floats.update(from: $0.baseAddress!, count: $0.count) }
    }

    private static func mismatch(_ module: LoRAModule, _ path: String, rank: Int, inputs: Int, outputs: Int) -> String {
        "\(path): [\(rank), \(inputs)] and [\(outputs), \(rank)] expected, [\(module.rank), \(module.inputs)] and [\(module.outputs), \(module.rank)] found"
    }
}
