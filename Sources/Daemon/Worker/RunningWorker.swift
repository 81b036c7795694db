import Foundation
import Synchronization

/// A worker that is at work, and why it was asked to end, if it was.
final class RunningWorker: Sendable {
    let number: Int64
    let process: WorkerProcess
    private let reason = Mutex<StopReason?>(nil)

    init(number: Int64, process: WorkerProcess) {
        self.number = number
        self.process = process
    }

    var askedFor: StopReason? { reason.withLock { $0 } }

    /// Asks it to end: it writes a resume point and exits with 75. Asked again, it is not disturbed; but who wants it to end for good
    /// is heard whatever the earlier reason was.
    func ask(_ why: StopReason) {
        let isFirst = reason.withLock { reason in
            // One that hangs after it was asked to pause has failed.
            let hangs = if case .stalled = why { reason?.isPause ?? false } else { false }
            defer { if reason == nil || why == .cancelled || hangs { reason = why } }
            return reason == nil
        }
        if isFirst { process.terminate() }
    }

    /// Ends it at once.
    func kill(_ why: StopReason) {
        reason.withLock { $0 = $0 ?? why }
        process.kill()
    }
}
