import Synchronization

/// A bell with one listener: rung while nobody waits, it is heard at the next wait.
final class WakeSignal: Sendable {
    private struct State {
        var isRaised = false
        var waiter: CheckedContinuation<Void, Never>?
        /// Counts the waits, so that a timer of an earlier one rings no later one.
        var turn = 0
        /// The wait whose time was over before it had begun.
        var expired = 0
    }

    private let state = Mutex(State())

    func raise() {
        let waiter = state.withLock { state in
            let waiter = state.waiter
            state.waiter = nil
            state.isRaised = waiter == nil
            return waiter
        }
        waiter?.resume()
    }

    /// Returns when it rings, or after `timeout`.
    func wait(upTo timeout: Duration) async {
        let turn = state.withLock { state in
            state.turn += 1
            return state.turn
        }
        let timer = Task {
            try await Task.sleep(for: timeout, clock: .continuous)
            self.expire(turn)
        }
        await withCheckedContinuation { continuation in
            let isRaised = state.withLock { state in
                precondition(state.waiter == nil, "WakeSignal: two listeners")
                if state.isRaised || state.expired == turn {
                    state.isRaised = false
                    return true
                }
                state.waiter = continuation
                return false
            }
            if isRaised { continuation.resume() }
        }
        timer.cancel()
    }

    private func expire(_ turn: Int) {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard state.turn == turn else { return nil }
            guard let waiter = state.waiter else {
                state.expired = turn
                return nil
            }
            state.waiter = nil
            return waiter
        }
        waiter?.resume()
    }
}
