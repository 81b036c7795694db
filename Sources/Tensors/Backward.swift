extension Tensor {
    /// This tensor with a new entry on the tape, if one of `inputs` is tracked; as it is if none is.
    /// The pullback gets the gradient of the result and gives one for each input, nil where there is none.
    func recorded(from inputs: [Tensor], pullback: @escaping (Tensor) -> [Tensor?]) -> Tensor {
        guard !Tape.isPaused, inputs.contains(where: \.isTracked) else { return self }
        let node = Node(inputs: inputs.map(\.node), pullback: pullback)
        return Tensor(shape: shape, type: type, storage: storage, node: node)
    }

    /// Walks the tape backwards from here and leaves the gradient of every parameter in it.
    ///
    /// - Parameter seed: the gradient of this tensor; 1 where it is left out (one element only).
    public func backward(seed: Tensor? = nil) {
        guard let node else { return }
        precondition(seed != nil || count == 1, "backward from \(shape) needs a seed")
        precondition(seed.map { $0.shape == shape && $0.type == type } ?? (type == .float32), "backward: seed \(seed?.shape ?? []) for \(shape) \(type)")
        node.accumulate(seed ?? Tensor([1], shape: shape))

        // The node made last has no consumer left that could still add to its gradient.
        var waiting = Heap(first: node)
        while let next = waiting.popLast() {
            guard next.pullback != nil, let dy = next.gradient else { continue }
            next.gradient = nil
            for (input, d) in next.run(dy) {
                let isNew = input.gradient == nil
                input.accumulate(d)
                if isNew && input.pullback != nil { waiting.insert(input) }
            }
        }
    }
}

/// Nodes by number, largest first.
private struct Heap {
    private var nodes: [Node]

    init(first: Node) { nodes = [first] }

    mutating func insert(_ node: Node) {
        nodes.append(node)
        var i = nodes.count - 1
        while i > 0, nodes[(i - 1) / 2].number < nodes[i].number {
            nodes.swapAt(i, (i - 1) / 2)
            i = (i - 1) / 2
        }
    }

    mutating func popLast() -> Node? {
        guard let top = nodes.first else { return nil }
        nodes.swapAt(0, nodes.count - 1)
        nodes.removeLast()
        var i = 0
        while true {
            let left = 2 * i + 1, right = left + 1
            var largest = i
            if left < nodes.count, nodes[left].number > nodes[largest].number { largest = left }
            if right < nodes.count, nodes[right].number > nodes[largest].number { largest = right }
            if largest == i { return top }
            nodes.swapAt(i, largest)
            i = largest
        }
    }
}
