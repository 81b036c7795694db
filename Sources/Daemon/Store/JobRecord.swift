import Foundation
import Jobs

/// What the daemon knows of one claimed folder; kept in `state/jobs/ID/job.json`.
///
/// A folder has one run for each of its specifications. They share the input, which moves on when all have ended.
public struct JobRecord: Codable, Equatable, Sendable {
    public enum State: String, Codable, Sendable, CaseIterable {
        /// The folder is on its way from the inbox, or just arrived.
        case claimed
        case queued
        case running
        /// The worker is done; its result is on its way to the outbox.
        case publishing
        case done
        case failed
        /// Put aside on request; it does not run by itself.
        case stopped

        /// Nothing more will happen to it.
        public var isFinal: Bool { self == .done || self == .failed }
    }

    /// One specification's way from the queue to its result.
    public struct Run: Codable, Equatable, Sendable {
        /// `job.yaml`; nil where the configuration's `default_job` is all there is.
        public var specificationFile: String?
        /// `job`
        public var name: String
        public var priority: Int
        public var state: State
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

        public init(specificationFile: String?, name: String, priority: Int = 0, state: State = .queued, error: String? = nil) {
            self.specificationFile = specificationFile
            self.name = name
            self.priority = priority
            self.state = state
            self.error = error
        }
    }

    /// Sorts by the time of the claim.
    public var id: String
    /// The folder's name.
    public var name: String
    /// Where it lay in the inbox.
    public var source: String
    public var claimed: Date
    /// `claimed` until its runs are known, then final as soon as all of them are.
    public var state: State
    public var runs: [Run]
    /// For several runs: the folder of the outbox that holds their results.
    public var resultFolder: String?
    /// The name chosen for the folder of what failed.
    public var failedAs: String?

    public init(id: String, name: String, source: String, claimed: Date) {
        self.id = id
        self.name = name
        self.source = source
        self.claimed = claimed
        state = .claimed
        runs = []
    }

    /// Whether all runs have ended.
    public var isFinished: Bool { state != .claimed && runs.allSatisfy(\.state.isFinal) }
    public var hasFailed: Bool { runs.contains { $0.state == .failed } }
}

/// A process, told apart from a later one with the same number.
public struct WorkerIdentity: Codable, Equatable, Sendable {
    public var pid: Int32
    /// In clock ticks since the machine's start (field 22 of `/proc/PID/stat`).
    public var started: UInt64

    public init?(pid: Int32) {
        guard let started = Self.startTime(of: pid) else { return nil }
        self.pid = pid
        self.started = started
    }

    /// Whether that very process still exists.
    public var isAlive: Bool { Self.startTime(of: pid) == started }

    private static func startTime(of pid: Int32) -> UInt64? {
        guard let bytes = try? Folder.contents(of: "/proc/\(pid)/stat", limit: 65_536),
            // The second field is the program's name in parentheses and may hold anything.
            let end = bytes.lastIndex(of: UInt8(ascii: ")"))
        else { return nil }
        let fields = String(decoding: bytes[(end + 1)...], as: UTF8.self).split(separator: " ")
        guard fields.count > 19, fields[0] != "Z", fields[0] != "X" else { return nil }
        return UInt64(fields[19])
    }
}
