import Files
import Foundation
import GRDB
import Jobs

/// A job as people see it.
public struct JobSummary: Codable, Equatable, Sendable {
    public var number: Int64
    /// `toys`, or `toys/job` where the folder has several specifications.
    public var name: String
    public var state: JobState
    public var priority: Int
    public var attempts: Int
    /// It is about to be stopped for good.
    public var isCancelling: Bool
    public var queued: Date
    public var started: Date?
    public var ended: Date?
    public var notBefore: Date?
    public var error: String?
    /// Its result, relative to the outbox.
    public var result: String?
    public var progress: ProgressLine?
    /// When that was told.
    public var progressed: Date?
    /// Identity of its folder in the state directory.
    public var folder: String

    enum CodingKeys: String, CodingKey {
        case number, name, state, priority, attempts, queued, started, ended, error, result, progress, progressed, folder
        case isCancelling = "is_cancelling", notBefore = "not_before"
    }
}

/// One thing that happened to a job.
public struct JobEvent: Codable, Equatable, Sendable {
    public var time: Date
    public var text: String
}

/// One start of a job's worker.
public struct JobAttempt: Codable, Equatable, Sendable {
    public var attempt: Int
    public var started: Date
    public var ended: Date?
    public var pid: Int32?
    /// How it ended; nil while it is going on.
    public var outcome: String?
}

/// Why something waits: a folder in the inbox (`inbox/NAME`) or on its way out of it (`inbox/taking/ID`), one that was taken (`job/ID`), or the
/// whole queue (`queue`).
public struct Notice: Codable, Equatable, Sendable {
    public var subject: String
    public var text: String
    public var since: Date

    public init(subject: String, text: String, since: Date) {
        (self.subject, self.text, self.since) = (subject, text, since)
    }
}

extension JobStore {
    /// Running jobs first, then those that wait in the order in which they will run, then those that have ended, the last first.
    ///
    /// - Parameters:
    ///   - ended: how many of the last kind, at most.
    ///   - waiting: how many that are to be published or wait for their turn, at most.
    public func summaries(ended: Int = .max, waiting: Int = .max) throws -> [JobSummary] {
        try read { db in
            try Self.summaries(db, "WHERE job.state = 'running' ORDER BY job.priority DESC, job.folder, job.run", [])
                + Self.summaries(
                    db, """
                        WHERE job.state IN ('publishing', 'queued')
                        ORDER BY CASE job.state WHEN 'publishing' THEN 0 ELSE 1 END, job.priority DESC, job.folder, job.run LIMIT ?
                        """, [waiting])
                + Self.summaries(db, "WHERE job.state IN ('done', 'failed', 'cancelled') ORDER BY job.ended DESC, job.number DESC LIMIT ?", [ended])
        }
    }

    public func summary(_ number: Int64) throws -> JobSummary? {
        try read { try Self.summaries($0, "WHERE job.number = ?", [number]).first }
    }

    /// The job that somebody means: by its number (`12`, or `+12`, which is never a name), by its folder's name, or by that and its
    /// specification's (`NAME/SPEC`). Of several folders of that name the newest is meant; letters and accents may be stored in
    /// another way (NFC, NFD).
    ///
    /// - Parameter states: those in which what is to be done can be done; nil: all. Jobs in other states are meant only where there
    ///   is none in these.
    /// - Throws: `StoreError` where there is none, or several could be meant: a number that is also a folder's name, several of the
    ///   folder's specifications, and of those that wait or run any second folder of that name.
    public func find(_ text: String, in states: Set<JobState>? = nil) throws -> JobSummary {
        if text.hasPrefix("+"), let number = Int64(text), let job = try summary(number) { return job }
        let numbered = try Int64(text).flatMap { String($0) == text ? try summary($0) : nil }
        let named = try jobs(named: text)
        if let numbered {
            guard let other = named.first(where: { $0.number != numbered.number }) else { return numbered }
            throw StoreError(.noSuchJob, "\(text) is the number of job \(numbered.number) (\(numbered.name.onOneLine())) and the name of job \(other.number); say +\(text) for the one, \(other.number) for the other.")
        }
        let fitting = named.filter { states?.contains($0.state) ?? true }
        let meant = fitting.isEmpty ? named : fitting
        guard let newest = meant.first?.folder else { throw StoreError(.noSuchJob, "There is no job \(text.onOneLine()). `segmix status` lists them.") }
        // What has ended is history, of which the newest counts; what has not is not to be mistaken for another.
        let choice = meant.filter { $0.folder == newest || states != nil && !$0.state.isFinal }
        if choice.count == 1 { return choice[0] }
        throw StoreError(.noSuchJob, "\(text.onOneLine()) has several jobs; say which: \(choice.map { "\($0.name.onOneLine()) (\($0.number))" }.joined(separator: ", ")).")
    }

    /// Whether a folder of that name lies in the inbox with nothing to be said against it, or has left it and is not in the queue yet.
    public func isComing(_ name: String, _ configuration: Jobs.Configuration) throws -> Bool {
        guard !name.isEmpty, !name.contains("/"), !IgnoredFiles.contains(name) else { return false }
        let said = Set(try notices().map(\.subject))
        for form in [name, name.precomposedStringWithCanonicalMapping, name.decomposedStringWithCanonicalMapping] {
            if Folder.isDirectory(Directory.joined(configuration.inbox, form)) { return !said.contains("inbox/" + form) }
        }
        let state = StateDirectory(configuration.state), known = try identities()
        return ((try? StateDirectory.identities(in: state.jobs)) ?? []).contains { id in
            !known.contains(id) && !said.contains("inbox/taking/" + id) && (try? StateDirectory.load(JobOrigin.self, "origin.json", in: state.job(id)))??.name == name
        }
    }

    /// The newest folder first; of one folder in the order of its specifications.
    private func jobs(named text: String) throws -> [JobSummary] {
        let forms = [text, text.precomposedStringWithCanonicalMapping, text.decomposedStringWithCanonicalMapping]
        return try read { db in
            for form in forms {
                let jobs = try Self.summaries(db, "WHERE folder.name = ? ORDER BY job.folder DESC, job.run LIMIT 100", [form])
                if !jobs.isEmpty { return jobs }
                let pieces = form.split(separator: "/", maxSplits: 1).map(String.init)
                guard pieces.count == 2 else { continue }
                let one = try Self.summaries(db, "WHERE folder.name = ? AND job.name = ? ORDER BY job.folder DESC LIMIT 100", [pieces[0], pieces[1]])
                if !one.isEmpty { return one }
            }
            return []
        }
    }

    public func events(_ number: Int64) throws -> [JobEvent] {
        try read {
            try Row.fetchAll($0, sql: "SELECT time, text FROM event WHERE job = ? ORDER BY id", arguments: [number]).map { .init(time: Self.date($0["time"]), text: $0["text"]) }
        }
    }

    public func attempts(_ number: Int64) throws -> [JobAttempt] {
        try read {
            try Row.fetchAll($0, sql: "SELECT * FROM attempt WHERE job = ? ORDER BY started", arguments: [number]).map {
                .init(attempt: $0["attempt"], started: Self.date($0["started"]), ended: ($0["ended"] as Double?).map(Self.date), pid: $0["pid"], outcome: $0["outcome"])
            }
        }
    }

    public func notices() throws -> [Notice] {
        try read {
            try Row.fetchAll($0, sql: "SELECT * FROM notice ORDER BY subject LIMIT 200").map { .init(subject: $0["subject"], text: $0["text"], since: Self.date($0["since"])) }
        }
    }

    /// How many jobs are in each state, those with none included.
    public func counts() throws -> [JobState: Int] {
        try read { db in
            var counts = Dictionary(uniqueKeysWithValues: JobState.allCases.map { ($0, 0) })
            for row in try Row.fetchAll(db, sql: "SELECT state, count(*) AS n FROM job GROUP BY state") {
                if let state = JobState(rawValue: row["state"]) { counts[state] = row["n"] }
            }
            return counts
        }
    }

    private static func summaries(_ db: Database, _ rest: String, _ arguments: StatementArguments) throws -> [JobSummary] {
        let rows = try Row.fetchAll(
            db, sql: """
                SELECT job.*, folder.name AS folderName, folder.state AS folderState, resultFolder, failedAs,
                    (SELECT count(*) FROM job AS other WHERE other.folder = job.folder) AS runs
                FROM job JOIN folder ON folder.id = job.folder \(rest)
                """, arguments: arguments)
        return try rows.map { row in
            var record = JobRecord(id: row["folder"], name: row["folderName"], source: "", claimed: Date(), state: .init(rawValue: row["folderState"]) ?? .open)
            record.resultFolder = row["resultFolder"]
            record.failedAs = row["failedAs"]
            let job = try run(row), count: Int = row["runs"]
            record.runs = Array(repeating: job, count: count)
            return JobSummary(
                number: job.number, name: record.title(run: 0), state: job.state, priority: job.priority, attempts: job.attempts,
                isCancelling: job.isCancelling, queued: job.queued, started: job.started, ended: job.ended, notBefore: job.notBefore,
                error: job.error, result: record.place(run: 0), progress: (row["progress"] as String?).flatMap(ProgressLine.init(line:)),
                progressed: (row["progressed"] as Double?).map(date), folder: record.id)
        }
    }
}
