import Dispatch
import Foundation
import Jobs
import Synchronization

/// SIGTERM, SIGINT and, unless `nohup` was asked to see to that, SIGHUP as a wish to stop with a resume point; another one, a second or more
/// later, ends the process at once. `timeout`, shells and closed terminals tell one wish several times.
public final class StopRequest: Sendable {
    /// The wish, met between two steps or two pictures.
    struct Stopped: Error {}

    public static let shared = StopRequest()
    private let asked = Atomic<Bool>(false)
    private let first = Mutex<ContinuousClock.Instant?>(nil)
    // Set up before anybody else has this object, and only kept alive afterwards.
    nonisolated(unsafe) private let sources: [any DispatchSourceSignal]

    private init() {
        var made: [any DispatchSourceSignal] = []
        for number in [SIGTERM, SIGINT] + (ProcessSetting.ignoresHangUp ? [] : [SIGHUP]) {
            signal(number, SIG_IGN)
            made.append(DispatchSource.makeSignalSource(signal: number, queue: .global()))
        }
        sources = made
        for source in sources {
            source.setEventHandler { [unowned self] in
                let now = ContinuousClock.now
                let isAgain = first.withLock { first in
                    defer { first = first ?? now }
                    return first.map { now - $0 >= .seconds(1) } ?? false
                }
                if isAgain { _exit(130) }
                asked.store(true, ordering: .relaxed)
            }
            source.resume()
        }
        signal(SIGPIPE, SIG_IGN)
    }

    public var isSet: Bool { asked.load(ordering: .relaxed) }
}
