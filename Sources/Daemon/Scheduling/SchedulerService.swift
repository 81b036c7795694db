import Files
import Foundation
import Jobs
import Logging
import ServiceLifecycle
import Synchronization

/// Runs the jobs of the queue, one worker at a time, and sees to it that each ends in the outbox.
final class SchedulerService: Service {
    private let configuration: Configuration
    private let worker: WorkerCommand
    private let state: StateDirectory
    private let queue: JobQueue
    private let changed: WakeSignal
    /// Ends when the inbox has ended and nothing is left.
    private let drains: Bool
    private let retryDelay: @Sendable (Int) -> Duration
    private let logger: Logger
    private let publisher: ResultPublisher
    private let stopping = Stopping()
    /// The running worker, and whether it was asked to stop.
    private let current = Mutex<(process: WorkerProcess, wasAsked: Bool)?>(nil)
    /// What was last said about why nothing runs.
    private let hold = Mutex<String?>(nil)

    init(
        configuration: Configuration, worker: WorkerCommand, state: StateDirectory, queue: JobQueue, changed: WakeSignal,
        drains: Bool, retryDelay: @escaping @Sendable (Int) -> Duration, logger: Logger
    ) {
        self.configuration = configuration
        self.worker = worker
        self.state = state
        self.queue = queue
        self.changed = changed
        self.drains = drains
        self.retryDelay = retryDelay
        self.logger = logger
        publisher = ResultPublisher(state: state, outbox: configuration.outbox, queue: queue)
    }

    func run() async throws {
        try await stopping.whileNotStopped(then: { [self] in
            changed.raise()
            askWorkerToStop()
        }) {
            try await work()
        }
    }

    private func work() async throws {
        while !stopping.isStopped {
            let now = ContinuousClock.now
            let reason = reasonToWait()
            if let work = await queue.next(at: now, mayRun: reason == nil) {
                await perform(work)
                continue
            }
            if drains, await !queue.isInboxOpen {
                if await queue.isEmpty { return }
                // Waiting for the night is what a daemon does; a drain leaves it to the next one.
                let isHeld = await queue.hasQueuedRuns && reason != nil
                if isHeld { return logger.notice("Jobs are left in the queue: \(reason!)") }
            }
            await say(reason)
            var pause = Duration.seconds(reason == nil ? 3600 : 30)
            if let due = await queue.nextDue(after: now) { pause = min(pause, max(.milliseconds(1), due - ContinuousClock.now)) }
            await changed.wait(upTo: pause)
        }
    }

    private func perform(_ work: JobQueue.Work) async {
        switch work {
        case .run(let id, let run):
            do { try await runWorker(id, run) } catch { await tryLater(id, run, "started", error) }
        case .publish(let id, let run):
            do {
                let place = try await publisher.publish(id, run: run)
                logger.info("Done: \(place) is in the outbox")
            } catch { await tryLater(id, run, "published", error) }
        case .finish(let id):
            do {
                if let place = try await publisher.finish(id) { logger.warning("Failed: \(place) in the outbox says why") }
            } catch { await tryLater(id, nil, "brought to its end", error) }
        }
    }

    /// The disk's faults stop no queue: the job is left as it is and comes up again.
    private func tryLater(_ id: String, _ run: Int?, _ what: String, _ error: any Error) async {
        let name = await queue.record(id).name
        logger.error("\(name) cannot be \(what) and is tried again in a while: \(error)")
        await queue.pause(id, run: run, for: retryDelay(1))
    }

    // MARK: - One worker

    private func runWorker(_ id: String, _ run: Int) async throws {
        let record = try await queue.update(id) { record in
            record.runs[run].state = .running
            record.runs[run].attempts += 1
            record.runs[run].worker = nil
        }
        let output = state.output(record, run: run)
        let (end, wasAsked) = try await process(record, run, output)
        let log = state.log(record, run: run)
        let attempts = record.runs[run].attempts
        let outcome = RunOutcome.of(
            end, wasAsked: wasAsked, hasResult: hasResult(output), attempts: attempts, maxAttempts: configuration.maxAttempts,
            explanation: explanation(output), lastWords: WorkerLog.lastWords(of: log, lines: end == .exited(ExitStatus.badInput.rawValue) ? 100 : 8),
            delay: retryDelay)
        try await queue.update(id) { record in
            record.runs[run].worker = nil
            record.runs[run].lastEnd = end.description
            switch outcome {
            case .publish: record.runs[run].state = .publishing
            case .requeue:
                record.runs[run].state = .queued
                record.runs[run].attempts -= 1
            case .retry: record.runs[run].state = .queued
            case .fail(let error):
                record.runs[run].state = .failed
                record.runs[run].error = error
            }
        }
        switch outcome {
        case .publish: break
        case .requeue: logger.info("Stopped: \(record.name) goes on from its resume point another time")
        case .fail(let error): logger.warning("\(record.name) has failed: \(error.split(separator: "\n").first ?? "")")
        case .retry(let delay, let reason):
            logger.warning("\(record.name), attempt \(attempts) of \(configuration.maxAttempts): \(end). \(reason) Tried again in \(delay.components.seconds) s")
            await queue.pause(id, run: run, for: delay)
        }
    }

    /// Starts the worker and stays with it to its end.
    private func process(_ record: JobRecord, _ run: Int, _ output: String) async throws -> (WorkerProcess.End, wasAsked: Bool) {
        try Folder.create(output)
        let log = try WorkerLog(state.log(record, run: run))
        var pipes: [Int32] = [0, 0]
        guard pipe(&pipes) == 0 else { throw FileError("create", "a pipe", code: errno) }
        for end in pipes { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var environment = ProcessInfo.processInfo.environment.merging(worker.environment) { $1 }
        environment[ProgressLine.environmentKey] = "json"
        let process: WorkerProcess
        do throws(FileError) {
            process = try WorkerProcess(
                executable: worker.executable,
                arguments: worker.arguments(
                    input: state.input(record), configuration: configuration.path, output: output,
                    specification: record.runs[run].specificationFile),
                environment: environment, output: pipes[1], errors: log.descriptor)
        } catch {
            close(pipes[0])
            close(pipes[1])
            throw error
        }
        close(pipes[1])
        current.withLock { $0 = (process, false) }
        let identity = WorkerIdentity(pid: process.pid)
        do { try await queue.update(record.id) { $0.runs[run].worker = identity } } catch {
            // Without the note a later daemon could not find this worker; but it must be waited for all the same.
            logger.error("\(error)")
        }
        logger.info("Running: \(record.name)\(record.runs.count > 1 ? "/\(record.runs[run].name)" : "") in process \(process.pid), attempt \(record.runs[run].attempts)")
        if stopping.isStopped { askWorkerToStop() }
        let guardian = Task { await self.watchHours() }
        async let lines: Void = LineReader.read(pipes[0]) { log.take($0) }
        let end = await process.wait()
        await lines
        guardian.cancel()
        let wasAsked = current.withLock { current in
            defer { current = nil }
            return current?.wasAsked ?? false
        }
        return (end, wasAsked)
    }

    private func askWorkerToStop() {
        current.withLock { current in
            guard let (process, _) = current else { return }
            current = (process, true)
            process.terminate()
        }
    }

    /// Stops the worker when the time for jobs is over.
    private func watchHours() async {
        guard let hours = configuration.hours else { return }
        while !Task.isCancelled {
            if !hours.areNow { return askWorkerToStop() }
            try? await Task.sleep(for: .seconds(20), clock: .continuous)
        }
    }

    // MARK: - What a worker leaves

    private func hasResult(_ output: String) -> Bool {
        (try? Folder.names(output))?.contains { !$0.hasPrefix(".") } ?? false
    }

    /// `error.txt` of a worker that knows why it failed.
    private func explanation(_ output: String) -> String? {
        guard let bytes = try? Folder.contents(of: Directory.joined(output, "error.txt"), limit: 1 << 20) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        return text.isEmpty ? nil : text
    }

    // MARK: - Why nothing runs

    private func reasonToWait() -> String? {
        if let hours = configuration.hours, !hours.areNow { return "it is not one of the `hours` in which jobs may run" }
        if let free = FreeSpace.bytes(at: state.path), free < configuration.minFreeSpace {
            return "\(state.path) has only \(free >> 20) MiB free, less than `min_free_space` (\(configuration.minFreeSpace >> 20) MiB); make room"
        }
        return nil
    }

    /// Says a reason once, and only while somebody waits.
    private func say(_ reason: String?) async {
        let isWaiting = await queue.hasQueuedRuns
        let isNews = hold.withLock { hold in
            let reason = isWaiting ? reason : nil
            defer { hold = reason }
            return reason != nil && reason != hold
        }
        if isNews { logger.notice("Jobs wait: \(reason!)") }
    }
}
