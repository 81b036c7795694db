import Foundation

/// A LoRA file, read whole: diffusers' keys (PEFT's `lora_A`/`lora_B`, the older `lora.down`/`lora.up`) or kohya's, in
/// any of the types F32, F16, BF16.
public struct LoRAFile {
    public let path: String
    /// In the order of their names.
    public let modules: [LoRAModule]
    public let metadata: [String: String]
    private let index: [String: Int]

    /// - Throws: `FileError`, `SafetensorsError`, and `WeightsError` for a file that is no LoRA of a UNet, or of another
    ///   kind (LoHa, LoKr, DoRA, convolutions larger than 1×1), or lacks one of two matrices.
    public static func read(_ path: String) throws -> LoRAFile { try LoRAFile(path) }

    private init(_ path: String) throws {
        let file = try SafetensorsFile(path)
        self.path = path
        metadata = file.metadata
        var parts: [String: Parts] = [:]
        var strange: [String] = []
        for entry in file.entries {
            guard let (module, role) = LoRAKey.parse(entry.name) else {
                strange.append(entry.name)
                continue
            }
            guard parts[module, default: Parts()].set(role, entry.name) else {
                throw WeightsError(path, "two tensors stand for the same part of \(module), \(entry.name) is one", remedy: "Save the LoRA again")
            }
        }
        guard strange.isEmpty else {
            throw WeightsError(
                path, "\(strange.count) keys are not those of a plain LoRA (\(listed(strange)))",
                remedy: "Use a plain LoRA in diffusers' or kohya's format, without LoHa, LoKr, DoRA, embeddings and the like")
        }
        guard !parts.isEmpty else { throw WeightsError(path, "there is no LoRA in it", remedy: "Name the LoRA's own file") }
        let peft = try PEFTScale(metadata, path: path, isPEFTs: file.entries.contains { $0.name.hasPrefix(LoRAKey.ofPEFT) })
        modules = try parts.sorted { $0.key < $1.key }.map { try $1.module($0, file, peft) }
        index = Dictionary(uniqueKeysWithValues: modules.enumerated().map { ($1.name, $0) })
    }

    /// The adapter of the UNet module at diffusers path `module`, under whatever name the file has for it.
    public func module(for module: String, layersPerBlock: Int?) -> LoRAModule? {
        var names: [String?] = [module, KohyaNaming.diffusers.name(of: module)]
        if let layersPerBlock { names.append(KohyaNaming.original(layersPerBlock: layersPerBlock).name(of: module)) }
        return names.lazy.compactMap { $0 }.compactMap { index[$0] }.first.map { modules[$0] }
    }

    /// Keys of one module in the file.
    private struct Parts {
        var down, up, alpha: String?

        mutating func set(_ role: LoRAKey.Role, _ key: String) -> Bool {
            let slot: WritableKeyPath<Parts, String?> = switch role {
            case .down: \.down
            case .up: \.up
            case .alpha: \.alpha
            }
            guard self[keyPath: slot] == nil else { return false }
            self[keyPath: slot] = key
            return true
        }

        func module(_ name: String, _ file: SafetensorsFile, _ peft: PEFTScale) throws -> LoRAModule {
            guard let down, let up else {
                throw WeightsError(file.path, "\(name) has no \(down == nil ? "down (A)" : "up (B)") matrix", remedy: "Save the LoRA again")
            }
            let a = try Self.matrix(down, file), b = try Self.matrix(up, file)
            guard a.rows == b.columns, a.rows > 0 else {
                throw WeightsError(
                    file.path, "the matrices of \(name), [\(a.rows), \(a.columns)] and [\(b.rows), \(b.columns)], do not share a rank",
                    remedy: "Save the LoRA again")
            }
            let lower = try file.floats(down), upper = try file.floats(up)
            var scale: Float? = peft.alpha(name)
            if let alpha {
                // diffusers' own conversion writes alpha as a whole number, NumPy as a double.
                guard let value = try file.scalar(alpha).map({ Float($0) }), value.isFinite else {
                    throw WeightsError(file.path, "\(alpha) is not one finite number", remedy: "Save the LoRA again")
                }
                scale = value
            }
            return LoRAModule(
                name: name, down: lower, up: upper, rank: a.rows, inputs: a.columns, outputs: b.rows, alpha: scale)
        }

        /// Rows and columns of a matrix; a 1×1 convolution is one.
        private static func matrix(_ key: String, _ file: SafetensorsFile) throws -> (rows: Int, columns: Int) {
            let shape = file[key]!.shape
            guard shape.count == 2 || (shape.count == 4 && shape[2] == 1 && shape[3] == 1) else {
                throw WeightsError(file.path, "\(key) has shape \(shape), not that of a matrix", remedy: "Use a LoRA of linear layers")
            }
            return (shape[0], shape[1])
        }
    }
}
