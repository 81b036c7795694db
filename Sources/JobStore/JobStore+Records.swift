import Foundation
import GRDB
import Jobs

extension JobStore {
    /// Puts a folder with its runs into the queue.
    ///
    /// - Returns: the record with the numbers of its jobs.
    @discardableResult
    public func add(_ record: JobRecord, event: String = "taken from the inbox") throws -> JobRecord {
        try write { db in
            try db.execute(
                sql: "INSERT INTO folder (id, name, source, claimed, state, resultFolder, failedAs) VALUES (?, ?, ?, ?, ?, ?, ?)",
                arguments: [record.id, record.name, record.source, record.claimed.timeIntervalSince1970, record.state.rawValue, record.resultFolder, record.failedAs])
            for (index, run) in record.runs.enumerated() {
                try db.execute(
                    sql: """
                        INSERT INTO job (folder, run, specificationFile, name, priority, notBefore, state, attempts, error, lastEnd, publishedAs,
                            hook, memory, queued, started, ended) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                        """,
                    arguments: [
                        record.id, index, run.specificationFile, run.name, run.priority, run.notBefore?.timeIntervalSince1970, run.state.rawValue,
                        run.attempts, run.error, run.lastEnd, run.publishedAs, run.hook?.rawValue, run.memory, run.queued.timeIntervalSince1970,
                        run.started?.timeIntervalSince1970, run.ended?.timeIntervalSince1970,
                    ])
                let number = db.lastInsertedRowID
                try Self.note(db, number, event)
                if run.state != .queued { try Self.note(db, number, run.state.rawValue) }
            }
            return try Self.record(db, record.id)!
        }
    }

    /// - Returns: nil where there is none of that identity.
    public func record(_ id: String) throws -> JobRecord? { try read { try Self.record($0, id) } }

    /// Every folder in one of these states, in the order of the claim.
    public func records(_ states: Set<JobRecord.State>) throws -> [JobRecord] {
        try read { db in
            let marks = states.map { _ in "?" }.joined(separator: ", ")
            let ids = try String.fetchAll(db, sql: "SELECT id FROM folder WHERE state IN (\(marks)) ORDER BY id", arguments: StatementArguments(states.map(\.rawValue)))
            return try ids.compactMap { try Self.record(db, $0) }
        }
    }

    /// Identities of all folders.
    public func identities() throws -> Set<String> { try read { Set(try String.fetchAll($0, sql: "SELECT id FROM folder")) } }

    /// The record and the run of a job.
    public func job(_ number: Int64) throws -> (record: JobRecord, run: Int)? { try read { try Self.find($0, number) } }

    static func find(_ db: Database, _ number: Int64) throws -> (record: JobRecord, run: Int)? {
        guard let row = try Row.fetchOne(db, sql: "SELECT folder, run FROM job WHERE number = ?", arguments: [number]),
            let record = try record(db, row["folder"])
        else { return nil }
        return (record, row["run"])
    }

    /// Changes a folder and its jobs in one transaction, beginning with what the disk says. A change of a job's state must be one of
    /// the table's and makes an event.
    ///
    /// - Parameters:
    ///   - remark: what the events of changed jobs say beyond their names.
    ///   - change: throws to leave everything as it is.
    /// - Throws: `StoreError`, and what `change` throws.
    @discardableResult
    public func update(_ id: String, remark: String? = nil, _ change: (inout JobRecord) throws -> Void) throws -> JobRecord {
        try write { db in
            guard let old = try Self.record(db, id) else { throw StoreError(.noSuchJob, "The folder \(id) is not in the queue any more.") }
            var new = old
            try change(&new)
            try Self.save(db, old, &new, remark: remark)
            return new
        }
    }

    static func save(_ db: Database, _ old: JobRecord, _ new: inout JobRecord, remark: String?) throws {
        precondition(old.id == new.id && old.runs.count == new.runs.count, "JobStore: \(old.id) with \(old.runs.count) runs became \(new.id) with \(new.runs.count)")
        if (old.state, old.resultFolder, old.failedAs) != (new.state, new.resultFolder, new.failedAs) {
            try db.execute(
                sql: "UPDATE folder SET state = ?, resultFolder = ?, failedAs = ? WHERE id = ?",
                arguments: [new.state.rawValue, new.resultFolder, new.failedAs, new.id])
        }
        for i in new.runs.indices where new.runs[i] != old.runs[i] {
            if new.runs[i].state != old.runs[i].state { try transit(db, old.runs[i], &new.runs[i], remark: remark) }
            let run = new.runs[i]
            try db.execute(
                sql: """
                    UPDATE job SET priority = ?, notBefore = ?, state = ?, attempts = ?, error = ?, lastEnd = ?, publishedAs = ?, workerPid = ?,
                        workerStarted = ?, isCancelling = ?, memory = ?, hook = ?, queued = ?, started = ?, ended = ? WHERE number = ?
                    """,
                arguments: [
                    run.priority, run.notBefore?.timeIntervalSince1970, run.state.rawValue, run.attempts, run.error, run.lastEnd,
                    run.publishedAs, run.worker?.pid, run.worker.map { Int64(bitPattern: $0.started) }, run.isCancelling, run.memory,
                    run.hook?.rawValue, run.queued.timeIntervalSince1970, run.started?.timeIntervalSince1970,
                    run.ended?.timeIntervalSince1970, run.number,
                ])
            if let worker = run.worker, worker != old.runs[i].worker {
                try db.execute(sql: "UPDATE attempt SET pid = ? WHERE job = ? AND ended IS NULL", arguments: [worker.pid, run.number])
            }
        }
    }

    /// Writes down a step from one state to the next, with its time.
    private static func transit(_ db: Database, _ old: JobRecord.Run, _ new: inout JobRecord.Run, remark: String?) throws {
        guard let transition = old.state.transition(to: new.state) else {
            throw StoreError(.notPossible, "Job \(old.number) is \(old.state.rawValue) and cannot become \(new.state.rawValue).")
        }
        let now = Date()
        if old.state == .running {
            try db.execute(
                sql: "UPDATE attempt SET ended = ?, outcome = ? WHERE job = ? AND ended IS NULL",
                arguments: [now.timeIntervalSince1970, new.lastEnd ?? transition.event, new.number])
            new.worker = nil
        }
        if new.state == .running || old.state.isFinal {
            // What an earlier start had come to is no news of this one.
            try db.execute(sql: "UPDATE job SET progress = NULL, progressed = NULL WHERE number = ?", arguments: [new.number])
        }
        switch new.state {
        case .running:
            new.started = new.started ?? now
            new.lastEnd = nil
            try db.execute(
                sql: "INSERT INTO attempt (job, attempt, started) VALUES (?, ?, ?)", arguments: [new.number, new.attempts, now.timeIntervalSince1970])
        case .queued where old.state.isFinal:
            (new.started, new.ended, new.queued) = (nil, nil, now)
        case .publishing, .failed, .cancelled: new.ended = now
        case .done, .queued: break
        }
        if new.state != .running { new.isCancelling = false }
        try note(db, new.number, remark.map { "\(transition.event): \($0)" } ?? transition.event)
    }

    static func note(_ db: Database, _ job: Int64, _ text: String) throws {
        try db.execute(sql: "INSERT INTO event (job, time, text) VALUES (?, ?, ?)", arguments: [job, Date().timeIntervalSince1970, text])
    }

    static func record(_ db: Database, _ id: String) throws -> JobRecord? {
        guard let row = try Row.fetchOne(db, sql: "SELECT * FROM folder WHERE id = ?", arguments: [id]) else { return nil }
        var record = JobRecord(
            id: id, name: row["name"], source: row["source"], claimed: date(row["claimed"]), state: .init(rawValue: row["state"]) ?? .open)
        record.resultFolder = row["resultFolder"]
        record.failedAs = row["failedAs"]
        record.runs = try Row.fetchAll(db, sql: "SELECT * FROM job WHERE folder = ? ORDER BY run", arguments: [id]).map(run)
        return record
    }

    static func run(_ row: Row) throws -> JobRecord.Run {
        guard let state = JobState(rawValue: row["state"]) else {
            throw StoreError(.damaged, "The queue holds a job in the state “\(row["state"] as String)”, which this version does not know. Install the newer segmixd again.")
        }
        var run = JobRecord.Run(
            specificationFile: row["specificationFile"], name: row["name"], priority: row["priority"],
            notBefore: (row["notBefore"] as Double?).map(date), state: state, error: row["error"], queued: date(row["queued"]))
        run.number = row["number"]
        run.attempts = row["attempts"]
        run.lastEnd = row["lastEnd"]
        run.publishedAs = row["publishedAs"]
        if let pid = row["workerPid"] as Int32?, let started = row["workerStarted"] as Int64? {
            run.worker = WorkerIdentity(pid: pid, started: UInt64(bitPattern: started))
        }
        run.isCancelling = row["isCancelling"]
        run.memory = row["memory"]
        run.hook = (row["hook"] as String?).flatMap(JobRecord.Hook.init)
        run.started = (row["started"] as Double?).map(date)
        run.ended = (row["ended"] as Double?).map(date)
        return run
    }

    static func date(_ seconds: Double) -> Date { Date(timeIntervalSince1970: seconds) }
}
