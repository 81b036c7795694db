import Diffusion
import Tensors

/// Which blocks of the UNet a training computes again, so that it fits into a number of bytes at the least cost.
public struct CheckpointingChoice: Sendable {
    public let keep: Checkpointing
    /// What a micro-step needs then.
    public let plan: Plan
    /// Blocks that are computed again, of how many.
    public let recomputed, blocks: Int

    /// A choice that was made by someone else.
    public init(_ keep: Checkpointing, planner: StepPlanner) {
        let plan = planner.step(keep), count = planner.blocks().count
        (self.keep, self.plan, blocks) = (keep, plan, count)
        recomputed = keep == .recompute ? count : 0
    }

    /// Nothing is computed again where everything fits into `budget` bytes of tensors. Else the blocks that give the most
    /// bytes for a second come first, and as few of them as will do. Where even all of them are not enough, all.
    ///
    /// - Parameter rates: what the machine does in a second, for the order; see `Work.seconds(at:)`.
    public init(fitting budget: Int, planner: StepPlanner, rates: Work.Rates) {
        let whole = planner.step(.keepEverything), costs = planner.blocks()
        let order = costs.filter { $0.bytes > 0 }.sorted {
            // Seconds per byte, by cross-multiplication; names where they are equal, so that the choice is always the same.
            let a = $0.work.seconds(at: rates) * Double($1.bytes), b = $1.work.seconds(at: rates) * Double($0.bytes)
            return a == b ? $0.path < $1.path : a < b
        }.map(\.path)
        func choice(_ count: Int) -> (Checkpointing, Plan) {
            let keep: Checkpointing = count == 0 ? .keepEverything : count == costs.count ? .recompute : .recomputeOnly(Set(order.prefix(count)))
            return (keep, count == 0 ? whole : planner.step(keep))
        }
        // The fewest that fit: peaks fall with their number, but for small steps where the worst moment moves.
        var low = 0, high = order.count, best = choice(whole.peakBytes <= budget ? 0 : order.count)
        if whole.peakBytes <= budget { high = 0 }
        if best.1.peakBytes <= budget {
            while low + 1 < high {
                let middle = (low + high) / 2, tried = choice(middle)
                if tried.1.peakBytes <= budget { (high, best) = (middle, tried) } else { low = middle }
            }
        }
        (keep, plan, recomputed, blocks) = (best.0, best.1, high, costs.count)
    }
}
