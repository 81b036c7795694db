import CCeiling
import Dispatch
import Tensors

/// What the processor's multiply-add units do at most.
enum Ceiling {
    /// Whether the processor multiplies bfloat16.
    static var hasBFloat16: Bool { ceiling_has_bf16() != 0 }

    /// GFLOP/s of float32, or of bfloat16 with float32 sums, per second of one core, with `threads` threads at it: the best of five runs of some ten milliseconds.
    static func gigaflops(threads: Int, type: ElementType) -> Double {
        let rounds = 2_000_000 / 4, half = type == .bfloat16
        let perRound = 24 * 2 * Int(half ? ceiling_bf16_products() : ceiling_lanes())
        var best = 0.0
        for _ in 0..<5 {
            let start = processorSeconds()
            DispatchQueue.concurrentPerform(iterations: threads) { _ in
                // The sum is finite, so this never holds; it keeps the loop alive.
                if (half ? ceiling_run_bf16(rounds) : ceiling_run(rounds)).isNaN { fatalError("the ceiling's loop gave no number") }
            }
            let seconds = processorSeconds() - start
            best = max(best, Double(threads * rounds * perRound) / seconds / 1e9)
        }
        return best
    }
}
