import Tensors

/// The order in which `count` items come: a fresh permutation of all of them in every round, without end.
///
/// A pure function of the seed; the last rounds are only remembered.
final class PhotoOrder {
    private let count: Int
    private let seed: UInt64
    private let purpose: RandomPurpose
    private let index: Int
    private var remembered: [(round: Int, permutation: [Int])] = []

    init(count: Int, seed: UInt64, purpose: RandomPurpose, index: Int = 0) {
        precondition(count > 0, "PhotoOrder: nothing to order")
        (self.count, self.seed, self.purpose, self.index) = (count, seed, purpose, index)
    }

    subscript(_ draw: Int) -> Int { permutation(round: draw / count)[draw % count] }

    func permutation(round: Int) -> [Int] {
        if let known = remembered.first(where: { $0.round == round }) { return known.permutation }
        var stream = RandomStream(seed: seed, purpose: purpose, step: round, index: index)
        var order = Array(0..<count)
        // Fisher-Yates, spelled out: the result must not depend on the standard library's version.
        for i in stride(from: count - 1, to: 0, by: -1) { order.swapAt(i, stream.integer(in: 0...i)) }
        remembered = remembered.suffix(1) + [(round, order)]
        return order
    }
}
