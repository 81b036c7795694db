import Synchronization

/// Counts the turns of the scheduler's loop: what the watchdog is answered by.
final class Heartbeat: Sendable {
    private let count = Mutex(0)

    /// The loop has come round.
    func beat() { count.withLock { $0 += 1 } }

    var beats: Int { count.withLock { $0 } }

    /// Whether the loop has come round since there were `beats`.
    func goesOn(since beats: Int) -> Bool { self.beats != beats }
}
