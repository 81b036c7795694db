/// A trainable tensor: a leaf of the tape whose gradient stays until `zeroGradient()`.
public final class Parameter {
    /// The numbers; the optimizer writes into them.
    public let value: Tensor
    private let leaf = Node()

    public init(_ value: Tensor) {
        precondition(value.type == .float32, "Parameter: \(value.type); trainable numbers are float32")
        self.value = value.detached
    }

    /// A leaf for an activation of any type, whose gradient is wanted for a moment.
    init(replaying activation: Tensor) { value = activation.detached }

    /// The value as an input of operations that are to be differentiated.
    public var tensor: Tensor { Tensor(shape: value.shape, type: value.type, storage: value.storage, node: leaf) }

    /// The sum of the gradients of all backward passes since the last `zeroGradient()`.
    public var gradient: Tensor? {
        get { leaf.gradient }
        set { leaf.gradient = newValue }
    }

    public func zeroGradient() { leaf.gradient = nil }
}
