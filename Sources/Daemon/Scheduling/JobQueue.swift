import Foundation
import Jobs

/// All jobs that are going on. Every change is on the disk before anybody acts on it.
actor JobQueue {
    /// What is to be done next.
    enum Work: Equatable {
        case run(id: String, run: Int)
        case publish(id: String, run: Int)
        /// All runs of the job have ended.
        case finish(id: String)
    }

    private let state: StateDirectory
    private let changed: WakeSignal
    private var records: [String: JobRecord] = [:]
    /// Not before then is something tried again.
    private var pauses: [String: ContinuousClock.Instant] = [:]
    private(set) var isInboxOpen = true
    /// How many jobs have failed since the start, and how many folders were left behind.
    private(set) var failures = 0

    init(state: StateDirectory, changed: WakeSignal) {
        self.state = state
        self.changed = changed
    }

    var isEmpty: Bool { records.isEmpty }

    func add(_ record: JobRecord) {
        records[record.id] = record
        changed.raise()
    }

    func record(_ id: String) -> JobRecord {
        guard let record = records[id] else { preconditionFailure("JobQueue: no job \(id)") }
        return record
    }

    /// Changes a job; the change holds only when it is on the disk.
    @discardableResult
    func update(_ id: String, _ change: (inout JobRecord) -> Void) throws -> JobRecord {
        var record = record(id)
        change(&record)
        try state.save(record)
        records[id] = record
        return record
    }

    /// The job has left the state directory's `jobs`.
    func remove(_ id: String, failed: Bool) {
        records[id] = nil
        pauses = pauses.filter { !$0.key.hasPrefix(id) }
        if failed { failures += 1 }
    }

    /// Leaves a job, or one of its runs, alone for a while.
    func pause(_ id: String, run: Int?, for duration: Duration) {
        pauses[Self.key(id, run)] = ContinuousClock.now + duration
    }

    func inboxHasEnded(leaving count: Int) {
        isInboxOpen = false
        failures += count
        changed.raise()
    }

    /// The next thing to do: first what brings a job to its end, then the run of the highest priority, the
    /// folder that came first, the specification that comes first.
    func next(at now: ContinuousClock.Instant, mayRun: Bool) -> Work? {
        let jobs = records.values.sorted { $0.id < $1.id }
        for job in jobs where job.isFinished && isDue(job.id, nil, now) { return .finish(id: job.id) }
        var best: (priority: Int, work: Work)?
        for job in jobs {
            for (i, run) in job.runs.enumerated() where isDue(job.id, i, now) {
                if run.state == .publishing { return .publish(id: job.id, run: i) }
                if run.state == .queued, mayRun, best.map({ run.priority > $0.priority }) ?? true { best = (run.priority, .run(id: job.id, run: i)) }
            }
        }
        return best?.work
    }

    /// When something that is paused comes up again.
    func nextDue(after now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        pauses.values.filter { $0 > now }.min()
    }

    /// Whether some run waits for its turn.
    var hasQueuedRuns: Bool { records.values.contains { $0.runs.contains { $0.state == .queued } } }

    private func isDue(_ id: String, _ run: Int?, _ now: ContinuousClock.Instant) -> Bool {
        pauses[Self.key(id, run)].map { $0 <= now } ?? true
    }

    private static func key(_ id: String, _ run: Int?) -> String { "\(id)/\(run.map(String.init) ?? "")" }
}
