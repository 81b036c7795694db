import Synchronization

/// What a drain must know to come to its end.
final class DrainState: Sendable {
    private struct State {
        var isInboxOpen = true
        var failures = 0
        var hasGivenUp = false, hasEnded = false
    }
    private let state = Mutex(State())

    /// Whether folders may still come.
    var isInboxOpen: Bool { state.withLock { $0.isInboxOpen } }
    /// How many folders have failed since the start, and how many were left in the inbox.
    var failures: Int { state.withLock { $0.failures } }

    /// Whether something was left that could not be brought to the outbox.
    var hasGivenUp: Bool { state.withLock { $0.hasGivenUp } }

    func giveUp() { state.withLock { $0.hasGivenUp = true } }

    /// Whether all was done that could be done now; a drain that was stopped before has not come to its end.
    var hasEnded: Bool { state.withLock { $0.hasEnded } }

    func end() { state.withLock { $0.hasEnded = true } }

    func countFailure() { state.withLock { $0.failures += 1 } }

    func inboxHasEnded(leaving count: Int) {
        state.withLock { state in
            state.isInboxOpen = false
            state.failures += count
        }
    }
}
