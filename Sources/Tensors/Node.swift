import Synchronization

/// One entry of the tape: what made a tensor, and how a gradient of it becomes gradients of its inputs.
///
/// The tape needs no owner: a tensor holds its node, a node its inputs' nodes. ARC frees what nothing needs.
final class Node {
    private static let issued = Atomic<Int>(0)

    /// Nodes are numbered as they are made, so a node's consumers all have higher numbers.
    let number: Int
    private(set) var inputs: [Node?]
    /// A parameter: its gradient stays. Others give theirs up when they are done.
    let isLeaf: Bool
    /// nil for a leaf, and where it has run.
    private(set) var pullback: ((Tensor) -> [Tensor?])?
    private var sum: Storage?
    private var sumShape: [Int] = [], sumType = ElementType.float32

    init(inputs: [Node?] = [], pullback: ((Tensor) -> [Tensor?])? = nil) {
        number = Self.issued.wrappingAdd(1, ordering: .relaxed).newValue
        (self.inputs, self.pullback, isLeaf) = (inputs, pullback, pullback == nil)
    }

    /// What has been accumulated so far.
    var gradient: Tensor? {
        get { sum.map { Tensor(shape: sumShape, type: sumType, storage: $0, node: nil) } }
        set { (sum, sumShape, sumType) = (newValue?.storage, newValue?.shape ?? [], newValue?.type ?? .float32) }
    }

    /// Adds to the gradient, in place where nobody else holds its memory.
    func accumulate(_ d: Tensor) {
        precondition(isLeaf || pullback != nil, "backward: a gradient \(d.shape) for what an earlier backward pass has used up")
        guard sum != nil else {
            gradient = d.detached
            return
        }
        precondition(sumShape == d.shape && sumType == d.type, "gradient \(d.shape) \(d.type) for \(sumShape) \(sumType)")
        let alone = isKnownUniquelyReferenced(&sum) && !sum!.isBorrowed
        let old = gradient!
        let total = alone ? old : old.result(sumShape)
        total.device.add(total, old, d)
        gradient = total
    }

    /// Runs the pullback once and lets go of everything it held.
    func run(_ dy: Tensor) -> [(Node, Tensor)] {
        guard let pullback else { return [] }
        let from = inputs
        self.pullback = nil
        inputs = []
        let gradients = pullback(dy)
        precondition(gradients.count == from.count, "a pullback gave \(gradients.count) gradients for \(from.count) inputs")
        return zip(from, gradients).compactMap { node, d in
            guard let node, let d else { return nil }
            return (node, d)
        }
    }

    // A chain of nodes dropped whole would recurse once per node; this takes it apart in a loop.
    deinit {
        pullback = nil
        var waiting = inputs.compactMap { $0 }
        inputs = []
        while var node = waiting.popLast() {
            guard isKnownUniquelyReferenced(&node) else { continue }
            node.pullback = nil
            waiting.append(contentsOf: node.inputs.compactMap { $0 })
            node.inputs = []
        }
    }
}
