import Files
import Foundation
import Jobs
import JobStore
import Logging
import ServiceLifecycle
import Synchronization

/// Does what the queue holds: runs jobs as far as the machine has room for them, and sees to it that each ends in the outbox.
final class SchedulerService: Service {
    private struct State {
        /// What is being done, with the memory that it needs.
        var busy: [JobStore.Work: Int] = [:]
        /// The job whose memory is being estimated. Others wait for it: the queue keeps its order.
        var estimated: JobStore.Work?
        var estimator: WorkerProcess?
        /// Not before then is something tried again; a clock that no one can set.
        var pauses: [JobStore.Work: ContinuousClock.Instant] = [:]
        /// How often something failed in a row.
        var failures: [JobStore.Work: Int] = [:]
        /// Why something of a job cannot be done, and is tried again.
        var obstacles: [JobStore.Work: String] = [:]
        var workers: [RunningWorker] = []
        /// What tells others of an end at this moment, or estimates a job: no stop waits for it.
        var helpers: [WorkerProcess] = []
        /// What was last said of a queue that cannot be read or written.
        var trouble: String?
    }

    private let live: LiveConfiguration
    /// As it holds now: what is started next is started with it.
    private var configuration: Configuration { live.current }
    private let heartbeat: Heartbeat
    private let command: WorkerCommand
    private let directory: StateDirectory
    private let store: JobStore
    private let changed: WakeSignal
    /// Ends when the inbox has ended and nothing is left.
    private let drain: DrainState?
    private let retryDelay: @Sendable (Int) -> Duration
    private let logger: Logger
    private var publisher: ResultPublisher { ResultPublisher(state: directory, store: store, configuration: configuration) }
    private var hooks: HookRunner {
        HookRunner(
            configuration: configuration, store: store, logger: logger,
            began: { [self] in begin($0) }, ended: { [self] in end($0) }, patience: drain == nil ? .seconds(3600) : .seconds(600))
    }
    private func begin(_ helper: WorkerProcess) {
        state.withLock { $0.helpers.append(helper) }
        if stopping.isStopped { helper.kill() }
    }
    private func end(_ helper: WorkerProcess) { state.withLock { $0.helpers.removeAll { $0 === helper } } }
    /// Where nobody answers, many would be waited for at once.
    private static let mostMessengers = 4
    /// So often a drain tries to put something into the outbox; after some ten minutes it leaves the rest to the next one.
    private static let mostTriesOfADrain = 4
    /// Where folders are moved: a share that hangs holds up no more than that.
    private let files = FileExecutor("segmixd.results")
    private let resources: Resources
    private let hold: QueueHold
    private let models: ModelPlaces
    private let stopping = Stopping()
    private let state = Mutex(State())

    init(
        configuration live: LiveConfiguration, heartbeat: Heartbeat, command: WorkerCommand, state: StateDirectory, store: JobStore, changed: WakeSignal,
        drain: DrainState?, retryDelay: @escaping @Sendable (Int) -> Duration, logger: Logger
    ) {
        self.live = live
        self.heartbeat = heartbeat
        let configuration = live.current
        self.command = command
        directory = state
        self.store = store
        self.changed = changed
        self.drain = drain
        self.retryDelay = retryDelay
        self.logger = logger
        models = ModelPlaces(state)
        resources = Resources(configuration)
        hold = QueueHold(state: state, store: store, logger: logger)
        store.onRequest { changed.raise() }
    }

    func run() async throws {
        // What a daemon said that was killed; what still holds is said again.
        for prefix in ["queue", Self.obstaclePrefix] { try? store.setNotices([:], prefix: prefix) }
        try await stopping.whileNotStopped(then: { [self] in
            changed.raise()
            for worker in state.withLock({ $0.workers }) { worker.ask(.shutdown) }
            // Nobody is waited for; who was not told is told after the next start.
            for helper in state.withLock({ $0.helpers }) { helper.kill() }
        }) {
            await work()
        }
    }

    private func work() async {
        let watch = Task { await self.watchForRequests() }
        defer { watch.cancel() }
        // The group waits for the workers that were asked to stop.
        await withDiscardingTaskGroup { group in
            while !stopping.isStopped {
                heartbeat.beat()
                do {
                    if try await step(&group) {
                        drain?.end()
                        return
                    }
                    state.withLock { $0.trouble = nil }
                } catch {
                    // The queue itself cannot be read or written: a full disk, a lock. Said once; the loop comes round at every sign of life.
                    let text = "\(error)", isNews = state.withLock { state in
                        defer { state.trouble = text }
                        return state.trouble != text
                    }
                    if isNews { logger.error("\(text) Tried again every 5 s") }
                    await changed.wait(upTo: .seconds(5))
                }
            }
        }
    }

    /// Starts the next thing that can be started, or waits. True where a drain has come to its end.
    private func step(_ group: inout DiscardingTaskGroup) async throws -> Bool {
        try cancelOnRequest()
        try forgetObstacles()
        let reason = hold.reason(configuration)
        let now = ContinuousClock.now
        let (busy, excluded, needs, isEstimating, isStuck) = state.withLock { state in
            state.pauses = state.pauses.filter { $0.value > now }
            let needs = state.busy.filter { $0.key.isRun }.map(\.value)
            let isStuck = state.busy.isEmpty && !state.pauses.isEmpty && state.pauses.keys.allSatisfy { state.failures[$0, default: 0] >= Self.mostTriesOfADrain }
            let busy = Set(state.busy.keys)
            return (busy, busy.union(state.pauses.keys), needs, state.estimated != nil, isStuck)
        }
        let hasRoom = needs.count < resources.workers && !isEstimating
        let mayTell = state.withLock { $0.busy.keys.count { $0.isHook } < Self.mostMessengers }
        if let work = try store.work(excluding: excluded, busy: busy, mayRun: reason == nil && hasRoom, mayTell: mayTell) {
            guard let need = try need(of: work) else {
                state.withLock { ($0.busy[work], $0.estimated) = (0, work) }
                group.addTask { await self.perform(work) { try await self.estimate(work) } }
                return false
            }
            // Ends, results and hooks take no worker's place.
            if !work.isRun || resources.fits(need, beside: needs) {
                state.withLock { $0.busy[work] = need }
                group.addTask(executorPreference: work.isRun || work.isHook ? nil : files) { await self.perform(work) { try await self.carryOut(work) } }
                return false
            }
        } else if let drain, !drain.isInboxOpen, isStuck {
            drain.giveUp()
            let areJobs = state.withLock { $0.pauses.keys.contains { $0.isRun } }
            logger.error("The drain ends with \(areJobs ? "jobs that could not be started" : "results that wait for the outbox"), as said above; the next start goes on with them")
            return true
        } else if let drain, !drain.isInboxOpen, excluded.isEmpty {
            if try store.isEmpty() { return true }
            // Waiting for the night is what a daemon does; a drain leaves it to the next one.
            if try store.hasQueuedJobs() {
                let why = try reason ?? store.nextStart(after: Date()).map { "the next may not start before \($0.formatted(.iso8601))" }
                if let why {
                    logger.notice("Jobs are left in the queue: \(why)")
                    return true
                }
            }
        }
        try hold.say(reason)
        await changed.wait(upTo: try pause(from: now, isHeld: reason != nil))
        return false
    }

    /// How long nothing can come up by itself. Looked at again at least every minute where it is a matter of the time of day, which can
    /// be set.
    private func pause(from now: ContinuousClock.Instant, isHeld: Bool) throws -> Duration {
        var pause = Duration.seconds(isHeld ? 20 : 60)
        if let due = state.withLock({ $0.pauses.values.min() }) { pause = min(pause, max(.milliseconds(1), due - now)) }
        if let start = try store.nextStart(after: Date()) { pause = min(pause, .seconds(min(60, max(0.05, start.timeIntervalSinceNow)))) }
        return pause
    }

    /// The memory that something needs, in bytes; nil where that is not known yet.
    private func need(of work: JobStore.Work) throws -> Int? {
        guard case .run(let id, let run) = work, resources.workers > 1, let record = try store.record(id) else { return 0 }
        return configuration.memoryPerJob ?? record.runs[run].memory
    }

    /// Asks what a job needs and writes it down; the job itself comes up again.
    private func estimate(_ work: JobStore.Work) async throws -> Duration? {
        guard case .run(let id, let run) = work, let record = try store.record(id) else { return nil }
        try await models.require(configuration, for: record, run: run)
        let estimate = Estimate(
            configuration: configuration, command: command, state: directory, models: models, fallback: resources.memory, share: resources.share,
            began: { [self] process in
                state.withLock { $0.estimator = process }
                begin(process)
            },
            ended: { [self] process in
                state.withLock { $0.estimator = nil }
                end(process)
            })
        let memory = try await estimate.memory(record, run: run)
        // It was broken off then; the next start asks again.
        if !stopping.isStopped { try store.update(id) { if $0.runs[run].state == .queued { $0.runs[run].memory = memory } } }
        return nil
    }

    /// - Parameter body: does something of it; returns how long to leave it alone, where it is to come up again.
    private func perform(_ work: JobStore.Work, _ body: () async throws -> Duration?) async {
        var pause: Duration?
        do {
            pause = try await body()
            state.withLock { $0.failures[work] = nil }
            clear(work)
        } catch {
            // The disk's faults stop no queue: what could not be done is left as it is and comes up again, after longer and longer pauses.
            let failures = state.withLock { state in
                state.failures[work, default: 0] += 1
                return state.failures[work]!
            }
            let isStale = (error as? StoreError)?.kind == .notPossible
            pause = isStale ? nil : retryDelay(min(failures, 3))
            if !isStale {
                let name = ((try? store.record(work.folder))?.name ?? work.folder).onOneLine()
                // Whom a hook does not reach, that is among the job's events.
                if case .hook = work {
                    if failures == 1 { logger.warning("\(name) has ended; to tell of it is tried again: \(error)") }
                } else {
                    let text = "\(name) waits and is tried again: \(error)"
                    if failures == 1 || failures.isMultiple(of: 10) { logger.error("\(text)") }
                    notice(work, text)
                }
            }
        }
        let until = pause.map { ContinuousClock.now + $0 }
        state.withLock { state in
            state.busy[work] = nil
            if state.estimated == work { state.estimated = nil }
            if let until { state.pauses[work] = until }
        }
        changed.raise()
    }

    private static let obstaclePrefix = "job/"

    /// Says on the page and in `segmix status` what somebody should see to.
    private func notice(_ work: JobStore.Work, _ text: String) {
        guard state.withLock({ $0.obstacles.updateValue(text, forKey: work) }) != text else { return }
        sayObstacles()
    }

    private func clear(_ work: JobStore.Work) {
        if state.withLock({ $0.obstacles.removeValue(forKey: work) }) != nil { sayObstacles() }
    }

    /// Of what is not to be done any more: a job that could not be started and was cancelled since.
    private func forgetObstacles() throws {
        for work in state.withLock({ Array($0.obstacles.keys) }) where try !store.isDue(work) { clear(work) }
    }

    private func sayObstacles() {
        let obstacles = state.withLock { $0.obstacles }
        let notices = Dictionary(obstacles.map { (Self.obstaclePrefix + $0.key.folder, $0.value) }, uniquingKeysWith: min)
        // Where the queue cannot be written either, that is said in its place.
        try? store.setNotices(notices, prefix: Self.obstaclePrefix)
    }

    /// - Returns: how long to leave it alone, where it is to come up again.
    private func carryOut(_ work: JobStore.Work) async throws -> Duration? {
        switch work {
        case .run(let id, let run):
            let execution = JobExecution(
                configuration: configuration, live: live, command: command, state: directory, store: store, models: models, retryDelay: retryDelay, logger: logger,
                isStopping: { [stopping] in stopping.isStopped },
                began: { [self] worker in
                    state.withLock { $0.workers.append(worker) }
                    if stopping.isStopped { worker.ask(.shutdown) }
                    changed.raise()
                },
                ended: { [self] worker in state.withLock { $0.workers.removeAll { $0 === worker } } })
            return try await execution.perform(id, run)
        case .publish(let id, let run):
            let place = try await publisher.publish(id, run: run)
            logger.info("Done: \(place.onOneLine()) is in the outbox")
        case .finish(let id):
            if let place = try await publisher.finish(id) {
                logger.warning("\(place.onOneLine()) in the outbox says why it has no result")
                if try store.record(id)?.hasFailed ?? false { drain?.countFailure() }
            }
        case .reopen(let id):
            try publisher.reopen(id)
            let name = try store.record(id)?.name ?? id
            logger.info("\(name.onOneLine()) is taken up again")
        case .hook(let id, let run):
            // Five times, then it is given up; a drain does not wait long for somebody who does not listen.
            let isLast = state.withLock { $0.failures[work] ?? 0 } >= (drain != nil ? 1 : 4)
            if try await hooks.perform(id, run: run, mayGiveUp: { [stopping] in isLast && !stopping.isStopped }) || stopping.isStopped { return nil }
            throw StoreError(.inputOutput, "Nobody could be told of its end.")
        }
        return nil
    }

    // MARK: - Requests of others

    /// Other programs change the queue; the store is asked twice a second whether they did.
    private func watchForRequests() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(500), clock: .continuous)
            if (try? store.hasChangedFromOutside()) ?? false { changed.raise() }
        }
    }

    private func cancelOnRequest() throws {
        let (estimated, estimator) = state.withLock { ($0.estimated, $0.estimator) }
        if let estimator, case .run(let id, let run)? = estimated, try store.record(id)?.runs[run].state != .queued { estimator.kill() }
        let workers = state.withLock { $0.workers }
        if workers.isEmpty { return }
        let numbers = Set(try store.cancellations())
        for worker in workers where numbers.contains(worker.number) && worker.askedFor != .cancelled { worker.ask(.cancelled) }
    }
}

extension JobStore.Work {
    fileprivate var isRun: Bool { if case .run = self { true } else { false } }
    fileprivate var isHook: Bool { if case .hook = self { true } else { false } }
}
