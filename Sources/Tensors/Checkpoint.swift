/// Keeps only the input of `body`; the backward pass runs `body` again and differentiates that run.
///
/// Recorded whenever something inside is trainable, even if `input` is not: the first adapted block of the UNet
/// has a constant input and must still train.
public func checkpoint(_ input: Tensor, _ body: @escaping (Tensor) -> Tensor) -> Tensor {
    let y = body(input)
    guard let node = y.node else { return y }
    // What `body` recorded is dropped here; only that something was recorded matters.
    return y.detached.recorded(from: input, orInside: node) { [x = input.detached, wanted = input.isTracked] dy in
        let replay = Parameter(replaying: x)
        body(wanted ? replay.tensor : x).backward(seed: dy)
        return replay.gradient
    }
}

extension Tensor {
    /// The same numbers behind a node of their own: the gradients of all that uses the branch are summed there before they
    /// meet those of other users of `self`. `checkpoint` sums in this order; a block that may be kept or computed again
    /// takes a branch where it is kept, and its gradients are the same to the bit.
    public var branch: Tensor { recorded(from: [self]) { [$0] } }

    /// A node for one input, which may be untracked.
    fileprivate func recorded(from input: Tensor, orInside _: Node, pullback: @escaping (Tensor) -> Tensor?) -> Tensor {
        Tensor(shape: shape, type: type, storage: storage, node: Node(inputs: [input.node]) { [pullback($0)] })
    }
}
