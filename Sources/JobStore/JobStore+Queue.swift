import Foundation
import GRDB
import Jobs

extension JobStore {
    /// Something that is to be done.
    public enum Work: Hashable, Sendable {
        /// Bring a folder back from `done`.
        case reopen(folder: String)
        /// All jobs of the folder have ended.
        case finish(folder: String)
        case publish(folder: String, run: Int)
        /// Tell somebody of a job's end.
        case hook(folder: String, run: Int)
        case run(folder: String, run: Int)

        /// Whether one must have ended before the other begins: what takes a folder from one place to another is alone with it, and
        /// results of one folder appear one after the other.
        public func conflicts(with other: Work) -> Bool {
            guard folder == other.folder else { return false }
            switch (self, other) {
            case (.hook, _), (_, .hook), (.run, .run), (.run, .publish), (.publish, .run): return false
            default: return true
            }
        }

        public var folder: String {
            switch self {
            case .reopen(let folder), .finish(let folder), .publish(let folder, _), .hook(let folder, _), .run(let folder, _): folder
            }
        }
    }

    /// What can be done, the most urgent first: what brings a folder to its end; then jobs by priority, the folder that came first,
    /// the specification that comes first.
    ///
    /// - Parameters:
    ///   - now: jobs that are not to start before a later time are left out.
    ///   - excluding: what is being done, or left alone for a while.
    ///   - busy: what is being done, with which some things conflict.
    ///   - mayRun: whether jobs may be started at all.
    ///   - mayTell: whether somebody may be told of a job's end.
    public func work(at now: Date = Date(), excluding: Set<Work>, busy: Set<Work> = [], mayRun: Bool, mayTell: Bool = true) throws -> Work? {
        try read { db in
            for (sql, make) in mayTell ? Self.endings + [Self.hooks] : Self.endings {
                let rows = try Row.fetchCursor(db, sql: sql)
                while let row = try rows.next() {
                    let work = make(row)
                    if !excluding.contains(work), !busy.contains(where: { $0.conflicts(with: work) }) { return work }
                }
            }
            guard mayRun else { return nil }
            let rows = try Row.fetchCursor(
                db, sql: """
                    SELECT job.folder, job.run FROM job JOIN folder ON folder.id = job.folder
                    WHERE job.state = 'queued' AND folder.state = 'open' AND (job.notBefore IS NULL OR job.notBefore <= ?)
                    ORDER BY job.priority DESC, job.folder, job.run
                    """, arguments: [now.timeIntervalSince1970])
            while let row = try rows.next() {
                let work = Work.run(folder: row["folder"], run: row["run"])
                if !excluding.contains(work), !busy.contains(where: { $0.conflicts(with: work) }) { return work }
            }
            return nil
        }
    }

    /// Whether something is still to be done, or being done.
    public func isDue(_ work: Work) throws -> Bool {
        guard let record = try record(work.folder) else { return false }
        return switch work {
        case .reopen: record.state == .reopening
        case .finish: record.state == .open && record.isFinished
        case .publish(_, let run): record.runs[run].state == .publishing
        case .hook(_, let run): record.runs[run].hook == .pending
        case .run(_, let run): record.runs[run].state == .queued || record.runs[run].state == .running
        }
    }

    private static let endings: [(String, @Sendable (Row) -> Work)] = [
        ("SELECT id FROM folder WHERE state = 'reopening' ORDER BY id", { .reopen(folder: $0["id"]) }),
        ("""
            SELECT id FROM folder WHERE state = 'open'
            AND NOT EXISTS (SELECT 1 FROM job WHERE folder = id AND state IN ('queued', 'running', 'publishing')) ORDER BY id
            """, { .finish(folder: $0["id"]) }),
        ("SELECT folder, run FROM job WHERE state = 'publishing' ORDER BY folder, run", { .publish(folder: $0["folder"], run: $0["run"]) }),
    ]

    private static let hooks: (String, @Sendable (Row) -> Work) = (
        """
        SELECT folder, run FROM job JOIN folder ON folder.id = job.folder WHERE hook = 'pending' AND (job.state = 'done' OR folder.state = 'closed')
        ORDER BY number
        """, { .hook(folder: $0["folder"], run: $0["run"]) })

    /// Whether every folder is closed and everybody was told.
    public func isEmpty() throws -> Bool {
        try read { db in
            try Bool.fetchOne(db, sql: "SELECT NOT EXISTS (SELECT 1 FROM folder WHERE state <> 'closed') AND NOT EXISTS (SELECT 1 FROM job WHERE hook = 'pending')")!
        }
    }

    /// Whether some job waits for its turn.
    public func hasQueuedJobs() throws -> Bool {
        try read { try Bool.fetchOne($0, sql: "SELECT EXISTS (SELECT 1 FROM job WHERE state = 'queued')")! }
    }

    /// When the next of the jobs that are to start at a certain time may start.
    public func nextStart(after now: Date) throws -> Date? {
        try read {
            try Double.fetchOne($0, sql: "SELECT min(notBefore) FROM job WHERE state = 'queued' AND notBefore > ?", arguments: [now.timeIntervalSince1970]).map(Self.date)
        }
    }

    /// Numbers of running jobs that are to be stopped for good.
    public func cancellations() throws -> [Int64] {
        try read { try Int64.fetchAll($0, sql: "SELECT number FROM job WHERE state = 'running' AND isCancelling") }
    }

    /// How far a running job is.
    public func setProgress(_ number: Int64, _ line: ProgressLine) throws {
        try write {
            try $0.execute(sql: "UPDATE job SET progress = ?, progressed = ? WHERE number = ?", arguments: [line.encoded, Date().timeIntervalSince1970, number])
        }
    }

    /// One more event of a job.
    public func note(_ number: Int64, _ text: String) throws { try write { try Self.note($0, number, text) } }

    // MARK: - Why something waits

    /// Says why something waits, instead of all that was said before of subjects with this prefix.
    public func setNotices(_ notices: [String: String], prefix: String) throws {
        try write { db in
            let old = try Row.fetchAll(db, sql: "SELECT subject, text FROM notice WHERE substr(subject, 1, ?) = ?", arguments: [prefix.count, prefix])
            var known: [String: String] = [:]
            for row in old { known[row["subject"]] = row["text"] as String }
            for subject in known.keys where notices[subject] == nil { try db.execute(sql: "DELETE FROM notice WHERE subject = ?", arguments: [subject]) }
            for (subject, text) in notices where known[subject] != text {
                precondition(subject.utf8.starts(with: prefix.utf8), "JobStore: the notice \(subject) is none of \(prefix)")
                try db.execute(
                    sql: "INSERT INTO notice (subject, text, since) VALUES (?, ?, ?) ON CONFLICT (subject) DO UPDATE SET text = excluded.text",
                    arguments: [subject, text, Date().timeIntervalSince1970])
            }
        }
    }
}
