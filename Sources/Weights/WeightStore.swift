import Tensors

/// The weights of one model part (a UNet, a VAE, a text encoder), mapped, and the account of what was asked of them.
///
/// Loading is total: models take what they need through `root`, faults are written down instead of thrown, and
/// `finish()` throws them all at once, together with every tensor that nothing asked for.
public final class WeightStore {
    /// What the store was opened on, for messages.
    public let path: String
    public let files: [SafetensorsFile]
    private let location: [String: Int]
    private let aliases: [KeyAlias]
    private let ignored: Set<String>
    private var used: Set<String> = []
    private var faults: WeightFaults
    private var cache: [String: Any] = [:]
    private var nothing = ZeroPages(byteCount: 1)
    private let isPlan: Bool
    /// What a planning store was asked for, in that order; empty where there are files.
    public private(set) var planned: [PlannedTensor] = []

    /// Opens `directory/baseName.safetensors`, its shards, or its fp16 variant.
    ///
    /// `baseName` is `diffusion_pytorch_model` for UNet and VAE, `model` for text encoders. `ignoring`: keys that may be
    /// there and that nothing needs, such as a CLIP file's `text_model.embeddings.position_ids`.
    /// - Throws: `FileError`, `SafetensorsError`, `WeightsError`.
    public convenience init(
        directory: String, baseName: String, variant: WeightVariant = .full, aliases: [KeyAlias] = [], ignoring: Set<String> = []
    ) throws {
        self.init(
            path: directory, try WeightFiles(directory: directory, baseName: baseName, variant: variant), aliases: aliases, ignoring: ignoring)
    }

    /// Opens one safetensors file.
    public convenience init(file path: String, aliases: [KeyAlias] = [], ignoring: Set<String> = []) throws {
        self.init(path: path, try WeightFiles(file: path), aliases: aliases, ignoring: ignoring)
    }

    private init(path: String, _ found: WeightFiles, aliases: [KeyAlias], ignoring: Set<String>) {
        self.path = path
        files = found.files
        location = found.location
        self.aliases = aliases
        ignored = ignoring
        faults = WeightFaults(path: path)
        isPlan = false
    }

    /// A store without files that notes down what a model asks for (`planned`) and gives zeros: the one list of a
    /// model's tensors is its own initialiser. The model must not be run; every optional tensor is taken to be there.
    public init(planning path: String) {
        self.path = path
        (files, location, aliases, ignored) = ([], [:], [], [])
        faults = WeightFaults(path: path)
        isPlan = true
    }

    /// The top of the tree of keys.
    public var root: WeightScope { WeightScope(store: self, path: "", adapters: nil) }

    /// What a CLIP text encoder's file may hold beside its weights.
    public static let clipBuffers: Set<String> = ["text_model.embeddings.position_ids", "embeddings.position_ids"]

    /// The end of loading.
    /// - Throws: `WeightFaults` with everything that was missing, misshapen, of a wrong type or never asked for.
    public func finish() throws {
        var faults = faults
        for file in files {
            let left = file.entries.filter { !used.contains($0.name) && !ignored.contains($0.name) }
            faults.unused += left.map { .init(key: $0.name, file: file.path) }
        }
        if !faults.isEmpty { throw faults }
    }

    /// `make()`'s value, made once per store and key: what two models over the same weights share (relaid kernels,
    /// widened norms).
    public func cached<Value>(_ key: String, _ make: () throws -> Value) rethrows -> Value {
        if let known = cache[key] {
            guard let value = known as? Value else {
                preconditionFailure("WeightStore: \"\(key)\" is cached as \(type(of: known)), asked for as \(Value.self)")
            }
            return value
        }
        let value = try make()
        cache[key] = value
        return value
    }

    /// The name under which the files hold `key`: its own or an alias; nil where they do not.
    func resolve(_ key: String) -> String? {
        if isPlan || location[key] != nil { return key }
        return aliases.lazy.compactMap { $0.alternative(key) }.first { location[$0] != nil }
    }

    func entry(_ key: String) -> SafetensorsFile.Entry? {
        resolve(key).flatMap { name in location[name].flatMap { files[$0][name] } }
    }

    /// The tensor, mapped. On a fault: written down, and zeros of the wanted shape, so that loading goes on and finds the rest.
    func tensor(_ key: String, shape: [Int]) -> Tensor {
        precondition(shape.allSatisfy { $0 >= 0 }, "\(key): shape \(shape)")
        if isPlan {
            if used.insert(key).inserted { planned.append(PlannedTensor(key: key, shape: shape)) }
            return zeros(shape)
        }
        guard let name = resolve(key) else {
            faults.missing.append(.init(key: key, shape: shape))
            return zeros(shape)
        }
        used.insert(name)
        let file = files[location[name]!], entry = file[name]!
        guard entry.shape == shape else {
            faults.misshapen.append(.init(key: name, expected: shape, found: entry.shape, file: file.path))
            return zeros(shape)
        }
        do {
            return try file.tensor(name)
        } catch {
            faults.wrongType.append(.init(key: name, found: entry.type.rawValue, file: file.path))
            return zeros(shape)
        }
    }

    /// All of them share the memory of the largest, which is never written to.
    private func zeros(_ shape: [Int]) -> Tensor {
        let byteCount = shape.reduce(4, *)
        if nothing.byteCount < byteCount { nothing = ZeroPages(byteCount: byteCount) }
        let pages = nothing
        return Tensor(borrowing: pages.pointer, shape: shape, type: .float32, owner: pages)
    }
}
