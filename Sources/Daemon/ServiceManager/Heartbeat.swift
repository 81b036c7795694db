import Synchronization

/// Counts the turns of the scheduler's loop: what the watchdog is answered by.
final class Heartbeat: Sendable {
    private struct State {
        var beats = 0
        var isPaused = false
    }
    private let state = Mutex(State())

    /// The loop has come round.
    func beat() {
        state.withLock { state in
            state.beats += 1
            state.isPaused = false
        }
    }

    /// Until the next beat the loop waits for something that ends by itself.
    func pause() { state.withLock { $0.isPaused = true } }

    var beats: Int { state.withLock { $0.beats } }

    /// Whether the loop has come round since there were `beats`, or waits for what ends by itself.
    func goesOn(since beats: Int) -> Bool { state.withLock { $0.isPaused || $0.beats != beats } }
}
