import Files
import Foundation
import Jobs
import Logging
import ServiceLifecycle
import UnixSignals

/// The daemon: a watcher of the inbox and a scheduler under one service group, which turns SIGTERM and SIGINT into a
/// graceful end: the worker writes its resume point, and the job waits for the next start.
public final class SegmixDaemon: Sendable {
    /// How a daemon ended.
    public enum Outcome: Equatable, Sendable {
        /// All that was in the inbox is in the outbox (only with `drains`).
        case drained(failures: Int)
        /// Asked to stop, or left jobs in the queue for another time.
        case stopped

        /// 0; 1 where some job failed; 75 where a drain was stopped before its end.
        public func exitCode(drains: Bool) -> Int32 {
            switch self {
            case .drained(let failures): failures == 0 ? ExitStatus.done.rawValue : 1
            case .stopped: drains ? ExitStatus.stopped.rawValue : ExitStatus.done.rawValue
            }
        }
    }

    private let lock: StateLock
    private let queue: JobQueue
    private let claim: Claim
    private let drains: Bool
    private let group: ServiceGroup

    /// Creates the directories and locks the state directory.
    ///
    /// - Parameters:
    ///   - retryDelay: the pause after the n-th attempt of a run.
    ///   - signals: what ends it gracefully.
    /// - Throws: `Fault` where another daemon is at work, `FileError` where a directory cannot be made or written.
    public init(
        configuration: Configuration, worker: WorkerCommand, drains: Bool = false, signals: [UnixSignal] = [.sigterm, .sigint],
        retryDelay: (@Sendable (Int) -> Duration)? = nil, logger: Logger
    ) throws {
        let state = StateDirectory(configuration.state)
        for path in [configuration.inbox, configuration.outbox] {
            try Folder.create(path)
            guard access(path, R_OK | W_OK | X_OK) == 0 else { throw FileError("use", path, code: errno) }
        }
        try state.prepare()
        lock = try StateLock(state)
        if configuration.statusPage != nil { logger.notice("`status_page` is set, but this version serves none") }
        let changed = WakeSignal()
        queue = JobQueue(state: state, changed: changed)
        claim = Claim(state: state, configuration: configuration, logger: logger)
        self.drains = drains
        let inbox = InboxService(configuration: configuration, claim: claim, queue: queue, drains: drains, logger: logger)
        let scheduler = SchedulerService(
            configuration: configuration, worker: worker, state: state, queue: queue, changed: changed, drains: drains,
            retryDelay: retryDelay ?? { RunOutcome.defaultDelay(attempt: $0) }, logger: logger)
        group = ServiceGroup(configuration: .init(
            services: [
                .init(service: scheduler, successTerminationBehavior: .gracefullyShutdownGroup),
                .init(service: inbox, successTerminationBehavior: .ignore),
            ],
            gracefulShutdownSignals: signals, logger: logger))
    }

    /// Takes up what an earlier daemon left, then works until it is stopped, or drained.
    public func run() async throws -> Outcome {
        for record in try claim.recover() { await queue.add(record) }
        try await group.run()
        guard drains, await !queue.isInboxOpen, await queue.isEmpty else { return .stopped }
        return .drained(failures: await queue.failures)
    }

    /// As SIGTERM does.
    public func stop() async {
        await group.triggerGracefulShutdown()
    }
}
