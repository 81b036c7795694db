import Tensors
import Weights

extension AdapterSet {
    /// Gives a set that was made for training the numbers of one just made with `seed`: another training can begin on the model
    /// that is there.
    public func restart(seed: UInt64) {
        guard let (rank, alpha) = rankAndAlpha else { preconditionFailure("AdapterSet.restart: not a set made for training") }
        let fresh = AdapterSet(rank: rank, alpha: alpha, seed: seed)
        // Asked for in the same order, each module gets what it got.
        for entry in entries { _ = fresh.adapter(for: entry.path, inputs: entry.inputs, outputs: entry.outputs) }
        for ((_, mine), (_, new)) in zip(parameters, fresh.parameters) { mine.value.floats.update(from: new.value.floats, count: mine.value.count) }
    }
}
