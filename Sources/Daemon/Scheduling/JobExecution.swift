import Files
import Foundation
import Jobs
import JobStore
import Logging

/// One start of one job's worker, from the queue to what follows from its end.
struct JobExecution: Sendable {
    /// What the job is started with, and what holds while it runs.
    let configuration: Configuration
    let live: LiveConfiguration
    let command: WorkerCommand
    let state: StateDirectory
    let store: JobStore
    let models: ModelPlaces
    let retryDelay: @Sendable (Int) -> Duration
    let logger: Logger
    /// Whether the daemon is about to end.
    let isStopping: @Sendable () -> Bool
    /// Is told of the worker as soon as there is one, and of its end.
    let began: @Sendable (RunningWorker) -> Void
    let ended: @Sendable (RunningWorker) -> Void

    /// - Returns: how long to leave the job alone, where it is tried again.
    /// - Throws: where it could not be started, or its start not be written down; it is then still in the queue.
    func perform(_ id: String, _ run: Int) async throws -> Duration? {
        if let record = try store.record(id) {
            do { try await models.require(configuration, for: record, run: run) } catch {
                // What was foreseen without the model says nothing.
                _ = try? store.update(id) { $0.runs[run].memory = nil }
                throw error
            }
        }
        let record = try store.update(id) { record in
            guard record.state == .open, record.runs[run].state == .queued else {
                throw StoreError(.notPossible, "\(record.title(run: run).onOneLine()) is \(record.runs[run].state.rawValue) by now.")
            }
            record.runs[run].state = .running
            record.runs[run].attempts += 1
        }
        let output = state.output(record, run: run), logPath = state.log(record, run: run)
        let attempts = record.runs[run].attempts
        let end: WorkerProcess.End, asked: StopReason?, start: Int
        do {
            (end, asked, start) = try await process(record, run, output)
        } catch {
            // It never started: that costs no attempt.
            await untilWritten {
                try store.update(id, remark: "\(error)") { record in
                    record.runs[run].state = record.runs[run].isCancelling ? .cancelled : .queued
                    record.runs[run].attempts -= 1
                }
            }
            throw error
        }
        // As they hold by now.
        let now = live.current
        var outcome = RunOutcome.of(
            end, asked: asked, hasResult: hasResult(output), attempts: attempts, maxAttempts: now.maxAttempts,
            lastWords: WorkerLog.lastWords(of: logPath, from: start, lines: [ExitStatus.badInput, .unavailable, .inputOutput].contains { end == .exited($0.rawValue) } ? 300 : 8),
            delay: retryDelay)
        // What lay on a share that went away is waited for.
        if end == .exited(ExitStatus.unavailable.rawValue), case .fail = outcome, (try? await models.require(configuration, for: record, run: run)) == nil { outcome = .requeue }
        await untilWritten {
            try store.update(id, remark: remark(outcome, end, asked)) { record in
                var job = record.runs[run]
                job.lastEnd = end.description
                // Killed, but not for want of memory.
                if case .stalled = asked { job.lastEnd = "\(asked!.remark), \(end)" }
                switch outcome {
                case .publish: job.state = .publishing
                case .cancel: job.state = .cancelled
                case .requeue:
                    // Cancelled in the moment in which it was stopped for another reason.
                    job.state = job.isCancelling ? .cancelled : .queued
                    job.attempts -= 1
                    if end == .exited(ExitStatus.unavailable.rawValue) { job.memory = nil }
                case .retry: job.state = job.isCancelling ? .cancelled : .queued
                case .fail(let error):
                    job.state = .failed
                    job.error = error
                    if now.onFailure != nil { job.hook = .pending }
                }
                record.runs[run] = job
            }
        }
        let title = record.title(run: run).onOneLine()
        switch outcome {
        case .publish: return nil
        case .cancel: logger.notice("Cancelled: \(title)")
        case .requeue: logger.info("Stopped, \(asked?.remark ?? "as its model is away"): \(title) goes on from its resume point another time")
        case .fail(let error): logger.warning("\(title) has failed: \(error.split(separator: "\n").first ?? "")")
        case .retry(let delay, let reason):
            logger.warning("\(title), attempt \(attempts) of \(now.maxAttempts): \(end). \(reason) Tried again in \(delay.components.seconds) s")
            return delay
        }
        return nil
    }

    private func remark(_ outcome: RunOutcome, _ end: WorkerProcess.End, _ asked: StopReason?) -> String? {
        switch outcome {
        case .publish: nil
        case .cancel, .requeue: asked?.remark
        case .retry: "\(asked.map { $0.remark + ", " } ?? "")\(end), to be tried again"
        case .fail: end.description
        }
    }

    /// An end that is not written down would leave a running job without a process; the disk is waited for. A daemon that is to end
    /// leaves it to the next one, which finds the job running without a process.
    private func untilWritten(_ body: () throws -> Void) async {
        while true {
            do { return try body() } catch {
                if let error = error as? StoreError, error.kind == .notPossible || error.kind == .noSuchJob { return logger.error("\(error)") }
                if isStopping() { return logger.error("\(error) The next start puts the job back into the queue") }
                logger.error("\(error) Tried again in 5 s")
                await Task {
                    for _ in 0..<25 where !isStopping() { try? await Task.sleep(for: .milliseconds(200), clock: .continuous) }
                }.value
            }
        }
    }

    /// Starts the worker and stays with it to its end.
    /// - Returns: how it ended, why it was asked to, and where its part of the log begins.
    private func process(_ record: JobRecord, _ run: Int, _ output: String) async throws -> (end: WorkerProcess.End, asked: StopReason?, start: Int) {
        try StateDirectory.create(output)
        let snapshot = state.configuration(of: record.id, run: run)
        try ConfigurationSnapshot.write(await models.configuration(configuration, for: record, run: run), to: snapshot)
        let log = try WorkerLog(state.log(record, run: run))
        let pipes = try WorkerProcess.pipe()
        let kills = (try? store.attempts(record.runs[run].number))?.count { $0.started >= record.runs[run].queued && $0.outcome == Self.kill } ?? 0
        let process: WorkerProcess
        do throws(FileError) {
            process = try WorkerProcess(
                executable: command.executable,
                arguments: command.arguments(
                    "run", input: state.input(record), configuration: configuration.path, snapshot: snapshot, ["--output", output],
                    specification: record.runs[run].specificationFile),
                environment: environment(record.runs[run], kills: kills), output: pipes.write, errors: log.descriptor)
        } catch {
            close(pipes.read)
            close(pipes.write)
            throw error
        }
        close(pipes.write)
        let number = record.runs[run].number
        let worker = RunningWorker(number: number, process: process)
        let identity = WorkerIdentity(pid: process.pid)
        do {
            try store.update(record.id) { $0.runs[run].worker = identity }
        } catch {
            // It must be waited for all the same; a later daemon finds it by its environment.
            logger.error("\(error)")
        }
        began(worker)
        logger.info("Running: \(record.title(run: run).onOneLine()) (job \(number)) in process \(process.pid), attempt \(record.runs[run].attempts)")
        let supervisor = WorkerSupervisor(worker: worker, log: log, live: live, store: store, logger: logger)
        let guardian = Task { await supervisor.watch() }
        async let lines: Void = LineReader.read(pipes.read) { log.take($0) }
        let end = await process.wait()
        await lines
        guardian.cancel()
        await guardian.value
        if let latest = log.latest { try? store.setProgress(number, latest) }
        ended(worker)
        return (end, worker.askedFor, log.start)
    }

    private func environment(_ run: JobRecord.Run, kills: Int) -> [String: String] {
        var environment = command.environment(configuration, state)
        environment[ProgressLine.environmentKey] = "json"
        // What the queue counts on, and what a worker is ended for: it makes do with that.
        environment[MemoryBudget.perJobKey] = configuration.memoryPerJob.map { String($0) }
        let granted = configuration.memoryPerJob ?? (configuration.workers > 1 ? run.memory : configuration.memory) ?? 0
        environment[MemoryBudget.shareKey] = Self.share(granted, kills: kills).map { String($0) }
        return environment
    }

    /// How an attempt is said to have ended that was killed for want of memory, by the system or by us.
    private static let kill = WorkerProcess.End.killed(signal: SIGKILL).description

    /// Bytes that a start plans with, `granted` or with 0 what is free; nil: what it finds. After each kill less: what is kept for the backward pass decides no
    /// number of the LoRA.
    static func share(_ granted: Int, kills: Int, free: Int = MemoryBudget.now().available) -> Int? {
        guard kills > 0 else { return granted > 0 ? granted : nil }
        return Int(Double(granted > 0 ? granted : free) * pow(0.7, Double(kills)))
    }

    // MARK: - What a worker leaves

    private func hasResult(_ output: String) -> Bool {
        (try? Folder.names(output))?.contains { !$0.hasPrefix(".") } ?? false
    }
}
