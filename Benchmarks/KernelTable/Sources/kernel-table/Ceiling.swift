import CCeiling
import Dispatch

/// What the processor's multiply-add units do at most.
enum Ceiling {
    /// GFLOP/s of float32 per second of one core, with `threads` threads at it: the best of five runs of some ten milliseconds.
    static func gigaflops(threads: Int) -> Double {
        let rounds = 2_000_000 / 4
        var best = 0.0
        for _ in 0..<5 {
            let start = processorSeconds()
            DispatchQueue.concurrentPerform(iterations: threads) { _ in
                // The sum is finite, so this never holds; it keeps the loop alive.
                if ceiling_run(rounds).isNaN { fatalError("the ceiling's loop gave no number") }
            }
            let seconds = processorSeconds() - start
            best = max(best, Double(threads * rounds * 24 * Int(ceiling_lanes()) * 2) / seconds / 1e9)
        }
        return best
    }
}
