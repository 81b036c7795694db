import Foundation
import Jobs
import JobStore
import ServiceLifecycle
import Synchronization

/// Tells systemd that the daemon is ready, what it does, that it lives, and, while workers write their resume points, that it needs
/// more time to end.
///
/// It is the first service of its group: it ends when all others have ended.
final class ServiceManagerService: Service {
    private let manager: ServiceManager
    private let store: JobStore
    private let heartbeat: Heartbeat
    /// Wakes the scheduler, whose next turn is the sign of life.
    private let changed: WakeSignal
    private let signal = WakeSignal()
    private let stopping = Stopping()
    private let isEnding = Mutex(false)

    init(manager: ServiceManager, store: JobStore, heartbeat: Heartbeat, changed: WakeSignal) {
        self.manager = manager
        self.store = store
        self.heartbeat = heartbeat
        self.changed = changed
    }

    /// So long a stop waits for what is no worker.
    private static let patience = Duration.seconds(120)

    /// The other services are asked to end.
    func stopIsUnderWay() {
        isEnding.withLock { $0 = true }
        manager.send("STOPPING=1\nSTATUS=Stopping")
        signal.raise()
    }

    func run() async throws {
        let first = sentence()
        manager.send("READY=1\nSTATUS=\(first)")
        try await stopping.whileNotStopped(then: { self.signal.raise() }) {
            var told = first, ended: ContinuousClock.Instant?
            while !stopping.isStopped {
                if isEnding.withLock({ $0 }) {
                    // Bounded: a worker that is silent for too long is ended by its supervisor. A result that a share does not take
                    // is waited for a while; its way to the outbox may be broken off anywhere.
                    let began = ended ?? .now
                    ended = began
                    let isWorthIt = (try? store.counts()[.running, default: 0] > 0) ?? true || ContinuousClock.now - began < Self.patience
                    manager.send("WATCHDOG=1\n\(isWorthIt ? "EXTEND_TIMEOUT_USEC=60000000\n" : "")STATUS=Stopping: \(sentence())")
                    await signal.wait(upTo: .seconds(5))
                    continue
                }
                let beats = heartbeat.beats
                if manager.watchdog != nil { changed.raise() }
                await signal.wait(upTo: min(.seconds(5), manager.watchdog.map { $0 / 4 } ?? .seconds(5)))
                if manager.watchdog != nil, heartbeat.goesOn(since: beats) { manager.send("WATCHDOG=1") }
                let status = sentence()
                if status != told, !isEnding.withLock({ $0 }) { manager.send("STATUS=\(status)") }
                told = status
            }
        }
    }

    /// `running toys, step 120/2010; 3 waiting`, in one line.
    private func sentence() -> String {
        guard let counts = try? store.counts() else { return "the queue cannot be read" }
        var parts: [String] = store.lockNotice.map { [$0] } ?? []
        if counts[.running, default: 0] > 0, let jobs = try? store.summaries(ended: 0, waiting: 0) {
            for job in jobs where job.state == .running {
                let progress = job.progress.flatMap { line in line.step.map { step in
                    ", \(line.phase == .train ? "step" : line.phase.rawValue) \(step)\(line.total.map { "/\($0)" } ?? "")"
                } }
                parts.append("running \(job.name)\(progress ?? "")")
            }
        }
        if counts[.publishing, default: 0] > 0 { parts.append("\(counts[.publishing]!) to be published") }
        let waiting = counts[.queued, default: 0]
        if waiting > 0 { parts.append("\(waiting) waiting") }
        if parts.isEmpty { parts = ["idle"] }
        if waiting > 0, let hold = (try? store.notices())?.first(where: { $0.subject == "queue" }) { parts.append(hold.text) }
        // A name may hold anything, a line end too.
        return String(parts.joined(separator: "; ").map { $0.isNewline ? " " : $0 })
    }
}
