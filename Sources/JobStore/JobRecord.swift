import Files
import Foundation
import Jobs

/// What is known of one folder that was taken from the inbox.
///
/// A folder has one run for each of its specifications: that is what people call a job, and its `number` is the job's.
/// The runs share the input, which moves on when all have ended.
public struct JobRecord: Equatable, Sendable {
    public enum State: String, Sendable {
        /// In `jobs/ID`: something is still to be done.
        case open
        /// In `done/ID`: all runs have ended and are where they belong.
        case closed
        /// To be brought back from `done/ID`, because one of its runs is to be tried again.
        case reopening
    }

    /// One specification's way from the queue to its result.
    public struct Run: Equatable, Sendable {
        /// The job's number; 0 until it is in the store.
        public var number: Int64 = 0
        /// `job.yaml`; nil where the configuration's `default_job` is all there is.
        public var specificationFile: String?
        /// `job`
        public var name: String
        public var priority: Int
        /// It does not start earlier.
        public var notBefore: Date?
        public var state: JobState
        /// How often a worker was started, without those that were stopped on request.
        public var attempts = 0
        /// Why it failed: a paragraph for people.
        public var error: String?
        /// How its worker ended last.
        public var lastEnd: String?
        /// The name chosen for its result, written down before the result appears.
        public var publishedAs: String?
        /// The worker that was last started.
        public var worker: WorkerIdentity?
        /// It is to be stopped for good.
        public var isCancelling = false
        /// What it needs, where that was estimated, in bytes.
        public var memory: Int?
        /// Whether somebody is still to be told of its end.
        public var hook: Hook?
        public var queued: Date
        public var started: Date?
        public var ended: Date?

        public init(
            specificationFile: String?, name: String, priority: Int = 0, notBefore: Date? = nil, state: JobState = .queued,
            error: String? = nil, queued: Date = Date()
        ) {
            self.specificationFile = specificationFile
            self.name = name
            self.priority = priority
            self.notBefore = notBefore
            self.state = state
            self.error = error
            self.queued = queued
        }
    }

    /// Telling somebody of a job's end (`on_finish`, `on_failure`).
    public enum Hook: String, Sendable {
        case pending, done, failed
    }

    /// Sorts by the time of the claim.
    public var id: String
    /// The folder's name.
    public var name: String
    /// Where it lay in the inbox.
    public var source: String
    public var claimed: Date
    public var state: State
    public var runs: [Run]
    /// For several runs: the folder of the outbox that holds their results.
    public var resultFolder: String?
    /// The name chosen for the folder of what failed or was cancelled.
    public var failedAs: String?

    public init(id: String, name: String, source: String, claimed: Date, state: State = .open, runs: [Run] = []) {
        self.id = id
        self.name = name
        self.source = source
        self.claimed = claimed
        self.state = state
        self.runs = runs
    }

    /// Whether all runs have ended.
    public var isFinished: Bool { runs.allSatisfy(\.state.isFinal) }
    public var hasFailed: Bool { runs.contains { $0.state == .failed } }
    /// Whether some run ended without a result.
    public var hasUnfinished: Bool { runs.contains { $0.state == .failed || $0.state == .cancelled } }

    /// `toys`, or `toys/job` where the folder has several runs.
    public func title(run: Int) -> String { runs.count > 1 ? "\(name)/\(runs[run].name)" : name }

    /// Where a run's result lies, relative to the outbox; nil as long as it has none.
    public func place(run: Int) -> String? {
        switch runs[run].state {
        case .done: runs[run].publishedAs.map { name in resultFolder.map { "\($0)/\(name)" } ?? name }
        case .failed, .cancelled: state == .open ? nil : failedAs.map { runs.count > 1 ? "\($0)/\(runs[run].name)" : $0 }
        default: nil
        }
    }
}
