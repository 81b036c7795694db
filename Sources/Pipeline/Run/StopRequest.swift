import Dispatch
import Foundation
import Synchronization

/// SIGTERM, SIGINT and, unless `nohup` was asked to see to that, SIGHUP as a wish to stop with a resume point; a second one ends the process at once.
public final class StopRequest: Sendable {
    /// The wish, met between two steps or two pictures.
    struct Stopped: Error {}

    public static let shared = StopRequest()
    private let asked = Atomic<Bool>(false)
    // Set up before anybody else has this object, and only kept alive afterwards.
    nonisolated(unsafe) private let sources: [any DispatchSourceSignal]

    private init() {
        var made: [any DispatchSourceSignal] = []
        var action = sigaction()
        sigaction(SIGHUP, nil, &action)
        let isIgnored = unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
        for number in [SIGTERM, SIGINT] + (isIgnored ? [] : [SIGHUP]) {
            signal(number, SIG_IGN)
            made.append(DispatchSource.makeSignalSource(signal: number, queue: .global()))
        }
        sources = made
        for source in sources {
            source.setEventHandler { [unowned self] in
                if asked.exchange(true, ordering: .relaxed) { _exit(130) }
            }
            source.resume()
        }
        signal(SIGPIPE, SIG_IGN)
    }

    public var isSet: Bool { asked.load(ordering: .relaxed) }
}
