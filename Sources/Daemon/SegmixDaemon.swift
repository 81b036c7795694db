import Files
import Foundation
import Jobs
import JobStore
import Logging
import ServiceLifecycle
import UnixSignals

/// The daemon: a watcher of the inbox and a scheduler under one service group, which turns SIGTERM and SIGINT into a
/// graceful end: the worker writes its resume point, and the job waits for the next start.
public final class SegmixDaemon: Sendable {
    /// How a daemon ended.
    public enum Outcome: Equatable, Sendable {
        /// All that was in the inbox is in the outbox, or some job has failed (only with `drains`).
        case drained(failures: Int)
        /// Asked to stop, or left jobs in the queue for another time.
        case stopped
        /// A drain that could not bring everything to the outbox, or start every job.
        case obstructed

        /// 0; 1 where some job failed; 74 where the outbox cannot be written or a model's share does not answer; 75 where a drain was stopped before its end.
        public func exitCode(drains: Bool) -> Int32 {
            switch self {
            case .drained(let failures): failures == 0 ? ExitStatus.done.rawValue : 1
            case .stopped: drains ? ExitStatus.stopped.rawValue : ExitStatus.done.rawValue
            case .obstructed: ExitStatus.inputOutput.rawValue
            }
        }
    }

    private let logger: Logger
    private let lock: StateLock
    public let store: JobStore
    let live: LiveConfiguration
    private let recovery: Recovery
    private let drain: DrainState?
    private let group: ServiceGroup
    /// Where folders are looked at and taken.
    let inboxFiles = FileExecutor("segmixd.inbox")

    /// Locks the state directory and opens the queue.
    ///
    /// - Parameters:
    ///   - retryDelay: the pause after the n-th attempt of something.
    ///   - signals: what ends it gracefully.
    ///   - manager: systemd, where it has started us.
    ///   - reload: reads the configuration again, on SIGHUP; nil: SIGHUP is left alone.
    ///   - services: what runs beside it over the same queue, for as long as it does.
    /// - Throws: `Fault` where another daemon is at work, `FileError` and `StoreError` where the state directory cannot be used.
    public init(
        configuration: Configuration, worker: WorkerCommand, drains: Bool = false, signals: [UnixSignal] = [.sigterm, .sigint],
        retryDelay: (@Sendable (Int) -> Duration)? = nil, logger: Logger,
        manager: ServiceManager? = nil, reload: (@Sendable () throws -> Configuration)? = nil, services: (JobStore) throws -> [any Service] = { _ in [] }
    ) throws {
        let state = StateDirectory(configuration.state)
        self.logger = logger
        try state.prepare()
        lock = try StateLock(state)
        // Far below the watchdog's interval: waiting for a lock is no reason to be taken for dead.
        let patience = min(Duration.seconds(5), manager?.watchdog.map { $0 / 8 } ?? .seconds(5))
        let (store, damaged) = try JobStore.openForDaemon(state, patience: patience)
        if let damaged {
            logger.error("The queue's database \(state.database) was damaged. It is now \(damaged), and the queue is rebuilt from the job folders")
        }
        self.store = store
        let changed = WakeSignal()
        drain = drains ? DrainState() : nil
        let live = LiveConfiguration(configuration), heartbeat = Heartbeat()
        self.live = live
        let claim = Claim(state: state, store: store, live: live, logger: logger)
        recovery = Recovery(claim: claim)
        let inbox = InboxService(
            configuration: configuration, claim: claim, recovery: recovery, store: store, changed: changed, drain: drain, files: inboxFiles, logger: logger)
        let scheduler = SchedulerService(
            configuration: live, heartbeat: heartbeat, command: worker, state: state, store: store, changed: changed, drain: drain,
            retryDelay: retryDelay ?? { RunOutcome.defaultDelay(attempt: $0) }, logger: logger)
        // Services are asked to end from the last to the first, each when those after it have ended.
        let reporter = manager.map { ServiceManagerService(manager: $0, store: store, heartbeat: heartbeat, changed: changed) }
        let first = (reporter.map { [.init(service: $0, successTerminationBehavior: .ignore)] } ?? []) as [ServiceGroupConfiguration.ServiceConfiguration]
        var last: [ServiceGroupConfiguration.ServiceConfiguration] = [
            .init(service: StopNotice { inbox.takeNoMore(); reporter?.stopIsUnderWay() }, successTerminationBehavior: .ignore)
        ]
        if let reload {
            let service = ReloadService(configuration: live, load: reload, manager: manager, changed: changed, logger: logger)
            last.append(.init(service: service, successTerminationBehavior: .ignore))
        }
        group = ServiceGroup(configuration: .init(
            // The page ends last but for the service manager: nobody who looks at it can hold up the jobs' end.
            services: first + (try services(store)).map { .init(service: $0, successTerminationBehavior: .ignore, failureTerminationBehavior: .ignore) } + [
                // The inbox may be on a share that does not answer: workers are asked to stop first.
                .init(service: inbox, successTerminationBehavior: .ignore),
                .init(service: scheduler, successTerminationBehavior: .gracefullyShutdownGroup),
            ] + last,
            gracefulShutdownSignals: signals, logger: logger))
    }

    /// Takes up what an earlier daemon left, and works until it is stopped, or drained.
    /// - Throws: `FileError` where a drain cannot use the inbox or the outbox; where the queue cannot be used at all.
    public func run() async throws -> Outcome {
        var areThere = true
        for path in [live.current.inbox, live.current.outbox] {
            do { try await prepare(path) } catch where drain == nil {
                // A share that is not mounted yet is waited for.
                logger.warning("\(error) It is looked for again and again.")
                areThere = false
            }
        }
        try recovery.run(areThere: areThere)
        try await group.run()
        if let drain, drain.hasGivenUp { return .obstructed }
        guard let drain, drain.hasEnded else { return .stopped }
        // That a job has failed is not hidden by another that waits for its time.
        return try drain.failures > 0 || store.isEmpty() ? .drained(failures: drain.failures) : .stopped
    }

    /// Makes the inbox or the outbox where it is missing.
    /// - Throws: `FileError` where it cannot be used.
    private func prepare(_ path: String) async throws {
        let isThere: Void? = try await FileExecutor("segmixd.start").run(within: 10) {
            // Nothing is made in the place of a share that is not mounted yet.
            try ForeseenMount.requireMounted(path, to: "use")
            try Directory.create(path)
            guard access(path, R_OK | W_OK | X_OK) == 0 else { throw FileError("use", path, code: errno) }
        }
        if isThere == nil { throw FileError("use", path, reason: "the share that it lies on does not answer", remedy: "See to the share") }
    }

    /// As SIGTERM does.
    public func stop() async {
        await group.triggerGracefulShutdown()
    }
}
