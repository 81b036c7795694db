import Foundation
import GRDB
import Synchronization

/// How long a change of the queue waits while another program has the database locked.
///
/// The first one waits for a while; when that was in vain, the next ones wait only a moment, until one of them has worked: they stand in
/// line, and all of them together must not keep a daemon from showing that it lives.
final class LockPatience: Sendable {
    private struct State {
        var began = ContinuousClock.now
        var isLocked = false
    }
    private let state = Mutex(State())
    private let patience: Duration
    private static let moment = Duration.milliseconds(100)

    init(_ patience: Duration) { self.patience = patience }

    /// Whether waiting was in vain, and nothing has worked since.
    var isLocked: Bool { state.withLock { $0.isLocked } }

    /// SQLite's busy handler: sleeps, and says whether to try once more.
    func waits(tries: Int) -> Bool {
        let goesOn = state.withLock { state in
            let now = ContinuousClock.now
            if tries == 0 { state.began = now }
            return now - state.began < (state.isLocked ? Self.moment : patience)
        }
        if goesOn { Thread.sleep(forTimeInterval: tries < 10 ? 0.002 : 0.02) }
        return goesOn
    }

    func note(_ error: (any Error)?) {
        let code = (error as? DatabaseError)?.resultCode
        state.withLock { $0.isLocked = code == .SQLITE_BUSY || code == .SQLITE_LOCKED }
    }
}
