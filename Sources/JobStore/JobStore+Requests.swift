import Foundation
import GRDB
import Jobs

/// What people ask for, from a terminal or the status page. A request is a change of the store; the daemon acts on it at once
/// where it runs, and when it starts where it does not.
extension JobStore {
    /// Ends a job. One that is running is stopped by the daemon, which asks its worker; where there is no daemon and no worker any
    /// more, it has ended by this.
    ///
    /// - Parameter daemonRuns: whether a daemon works with this queue.
    /// - Returns: the state it is in now; `running` where it is about to end.
    /// - Throws: `StoreError` where it has ended already.
    @discardableResult
    public func cancel(_ number: Int64, daemonRuns: Bool) throws -> JobState {
        try request(number) { run in
            switch run.state {
            case .queued: run.state = .cancelled
            case .running:
                let hasWorker = run.worker?.isAlive ?? false
                if daemonRuns || hasWorker { run.isCancelling = true } else { run.state = .cancelled }
                // The daemon is gone and has left its worker behind.
                if !daemonRuns, hasWorker, let pid = run.worker?.pid { kill(pid, SIGTERM) }
            case .publishing: throw StoreError(.notPossible, "Job \(number) is done; its result is on its way to the outbox.")
            case .done, .failed, .cancelled: throw StoreError(.notPossible, "Job \(number) is \(run.state.rawValue) already.")
            }
        }
    }

    /// Puts a job that failed or was cancelled into the queue again. It goes on from its resume point where it has one.
    @discardableResult
    public func retry(_ number: Int64) throws -> JobState {
        let state = try write { db -> JobState in
            let (old, index) = try Self.find(db, number)
            var new = old
            switch old.runs[index].state {
            case .failed, .cancelled: break
            case .done: throw StoreError(.notPossible, "Job \(number) is done; to train it again, put its folder into the inbox again.")
            case .queued, .running, .publishing: throw StoreError(.notPossible, "Job \(number) is \(old.runs[index].state.rawValue): there is nothing to retry.")
            }
            new.runs[index].state = .queued
            new.runs[index].attempts = 0
            new.runs[index].error = nil
            new.runs[index].hook = nil
            // Its folder, or the configuration, may have been mended.
            new.runs[index].memory = nil
            // Where all have ended the folder is on its way out, or will be: what has left already is brought back first.
            if old.state == .closed || old.isFinished { new.state = .reopening }
            try Self.save(db, old, &new, remark: "on request")
            try db.execute(sql: "UPDATE job SET progress = NULL, progressed = NULL WHERE number = ?", arguments: [number])
            return new.runs[index].state
        }
        requestMade()
        return state
    }

    /// Jobs of higher priority go first.
    public func setPriority(_ number: Int64, _ priority: Int) throws {
        try request(number) { run in
            guard !run.state.isFinal else { throw StoreError(.notPossible, "Job \(number) is \(run.state.rawValue); a priority is of no use to it.") }
            run.priority = priority
        }
    }

    @discardableResult
    private func request(_ number: Int64, _ change: (inout JobRecord.Run) throws -> Void) throws -> JobState {
        let state = try write { db -> JobState in
            let (old, index) = try Self.find(db, number)
            var new = old
            try change(&new.runs[index])
            try Self.save(db, old, &new, remark: "on request")
            return new.runs[index].state
        }
        requestMade()
        return state
    }

    private static func find(_ db: Database, _ number: Int64) throws -> (JobRecord, Int) {
        guard let row = try Row.fetchOne(db, sql: "SELECT folder, run FROM job WHERE number = ?", arguments: [number]),
            let record = try record(db, row["folder"])
        else { throw StoreError(.noSuchJob, "There is no job \(number). `segmix status` lists them.") }
        return (record, row["run"])
    }
}
