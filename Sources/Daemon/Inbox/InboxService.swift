import Files
import Foundation
import Jobs
import Logging
import ServiceLifecycle
import Synchronization

/// Watches the inbox and hands every folder that has settled to the queue.
struct InboxService: Service {
    let configuration: Configuration
    let claim: Claim
    let queue: JobQueue
    /// Ends when nothing is left to take.
    let drains: Bool
    let logger: Logger
    private let signal = WakeSignal()
    private let stopping = Stopping()

    init(configuration: Configuration, claim: Claim, queue: JobQueue, drains: Bool, logger: Logger) {
        self.configuration = configuration
        self.claim = claim
        self.queue = queue
        self.drains = drains
        self.logger = logger
    }

    func run() async throws {
        try await stopping.whileNotStopped(then: { signal.raise() }) {
            try await watch()
        }
    }

    private func watch() async throws {
        let events = InboxEvents.start(inbox: configuration.inbox, logger: logger) { [signal] in signal.raise() }
        /// Draining, what cannot be taken is left behind.
        var given: Set<String> = []
        var scan = InboxScan(configuration: configuration, logger: logger)
        let settle = Duration.seconds(configuration.settleSeconds)
        while !stopping.isStopped {
            let now = ContinuousClock.now
            let found = scan.look(at: now)
            events?.follow(Set(found.folders.map { Directory.joined(configuration.inbox, $0) }))
            var hasTaken = false
            for name in found.settled where !stopping.isStopped {
                do {
                    let record = try claim.take(name)
                    logger.info("Taken: \(name) as \(record.id), \(record.runs.count == 1 ? "one job" : "\(record.runs.count) jobs")")
                    await queue.add(record)
                    hasTaken = true
                } catch {
                    scan.refuse(name, error, at: now, pause: drains ? .seconds(1_000_000) : .seconds(60))
                    given.insert(name)
                }
            }
            if hasTaken { continue }
            if drains, found.waiting.subtracting(given).isEmpty { break }
            var pause = Duration.seconds(configuration.rescanSeconds)
            if let next = found.next { pause = min(pause, max(.zero, next - ContinuousClock.now)) }
            await signal.wait(upTo: pause)
            // Copying a folder makes many events; one look for all of them is enough.
            if !stopping.isStopped { try? await Task.sleep(for: min(Duration.milliseconds(200), settle / 4), clock: .continuous) }
        }
        await events?.stop()
        await queue.inboxHasEnded(leaving: given.count)
    }
}
