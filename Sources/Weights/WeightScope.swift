import Tensors

/// A place in a model's tree of weights. The path *is* the diffusers key: `scope["down_blocks"][0]["resnets"]`.
public struct WeightScope {
    public let store: WeightStore
    /// Key of this place; empty at the root.
    public let path: String
    /// The low-rank adapters of what is loaded from here on; nil for a frozen model.
    public let adapters: AdapterSet?

    /// The scope one name (or several, with dots) further down.
    public subscript(name: String) -> WeightScope { WeightScope(store: store, path: key(name), adapters: adapters) }

    public subscript(index: Int) -> WeightScope { self[String(index)] }

    /// The same place with (or without) adapters.
    public func adapted(by adapters: AdapterSet?) -> WeightScope { WeightScope(store: store, path: path, adapters: adapters) }

    /// The weight in its file's own type, mapped. A fault is kept for `WeightStore.finish()`; the result is then zeros.
    public func tensor(_ name: String, shape: [Int]) -> Tensor { store.tensor(key(name), shape: shape) }

    /// A bias, scale or shift `[count]`, widened to float32; widened once per store.
    public func vector(_ name: String, count: Int) -> Tensor {
        let key = key(name)
        return store.cached("vector \(key) \(count)") { store.tensor(key, shape: [count]).widened() }
    }

    /// Whether the files hold `name` here, under its own key or an alias.
    public func has(_ name: String) -> Bool { store.resolve(key(name)) != nil }

    /// The shape of `name` in the files; asking does not count as using.
    public func shape(of name: String) -> [Int]? { store.entry(key(name))?.shape }

    /// `make()`'s value, made once per store, place and `name`.
    public func cached<Value>(_ name: String, _ make: () throws -> Value) rethrows -> Value {
        try store.cached("\(path) \(name)", make)
    }

    private func key(_ name: String) -> String { path.isEmpty ? name : path + "." + name }
}
