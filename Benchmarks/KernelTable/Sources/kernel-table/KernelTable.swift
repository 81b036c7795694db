import CPUDevice
import Foundation
import Tensors

/// Prints how fast each operation of a training step is, next to what this machine's multiply-add units can do at most:
///
///     swift run -c release --package-path Benchmarks/KernelTable kernel-table [threads]
///
/// The sizes are those of a quarter-width SDXL at 512 px with an instance and a prior, unless a row says otherwise; those in bfloat16 of the real SDXL. Rates are
/// per second of processor time of one core, so other programs on the machine hardly touch them; the milliseconds are of the
/// clock and do show them. The ceiling is measured again before every row, since clock frequencies drift.
@main
struct KernelTable {
    static func main() {
        let threads = CommandLine.arguments.dropFirst().first.flatMap(Int.init) ?? ProcessInfo.processInfo.activeProcessorCount
        CPUDevice.install(threads: threads)
        print("\(threads) threads; the best of several runs; GFLOP/s and GB/s per core; ceiling: fused multiply-adds in registers, per core")
        print(column("operation", 44) + "      ms  GFLOP/s   GB/s  ceiling   share")
        for row in Cases.all + (Ceiling.hasBFloat16 ? Cases.bfloat16 : []) { measure(row, threads: threads) }
    }

    /// Runs one case for about half a second, at least three times.
    private static func measure(_ row: Case, threads: Int) {
        let ceiling = Ceiling.gigaflops(threads: threads, type: row.type)
        let work = row.make()
        work()
        var best = Double.infinity, core = Double.infinity, spent = 0.0, runs = 0
        while runs < 3 || spent < 0.5 {
            let processor = processorSeconds(), seconds = elapsed(work)
            (best, core) = (min(best, seconds), min(core, processorSeconds() - processor))
            (spent, runs) = (spent + seconds, runs + 1)
        }
        let rate = row.operations / core / 1e9
        let figures = row.operations > 0 ? String(format: "%9.1f", rate) : "        –"
        let bytes = row.bytes > 0 ? String(format: "%7.1f", row.bytes / core / 1e9) : "      –"
        let share = row.operations > 0 ? String(format: "%6.0f%%", 100 * rate / ceiling) : "      –"
        print(column(row.name, 44) + String(format: "%8.2f", best * 1e3) + figures + bytes + String(format: "%9.1f", ceiling) + share)
    }

    private static func column(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }
}

/// Seconds that `work` takes.
func elapsed(_ work: () -> Void) -> Double {
    let clock = ContinuousClock(), start = clock.now
    work()
    return (clock.now - start) / .seconds(1)
}

/// Processor time of all threads of this process so far.
func processorSeconds() -> Double {
    var time = timespec()
    guard clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 else { fatalError("no processor clock: \(errno)") }
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
