import Tensors

/// Keys and values of one context that does not change from call to call, for every attention that looks at it. Off the
/// tape: a step that trains makes them anew.
public final class KeyValueMemory {
    public typealias KeyAndValue = (key: Tensor, value: Tensor)

    private var known: [String: KeyAndValue] = [:]

    public init() {}

    /// What the attention at `path` keeps, each `[N, tokens, width]`; made when first asked for.
    func of(_ path: String, make: () -> KeyAndValue) -> KeyAndValue {
        if let pair = known[path] { return pair }
        let pair = make()
        precondition(!pair.key.isTracked && !pair.value.isTracked, "KeyValueMemory: \(path) is on the tape")
        known[path] = pair
        return pair
    }
}
