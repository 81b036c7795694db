import Foundation
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
        try request(number) { record, index in
            switch record.runs[index].state {
            case .queued: record.runs[index].state = .cancelled
            case .running:
                let worker = record.runs[index].worker, hasWorker = worker?.isAlive ?? false
                if daemonRuns || hasWorker { record.runs[index].isCancelling = true } else { record.runs[index].state = .cancelled }
                // The daemon is gone and has left its worker behind.
                if !daemonRuns, hasWorker, let pid = worker?.pid { kill(pid, SIGTERM) }
            case .publishing: throw StoreError(.notPossible, "Job \(number) is done; its result is on its way to the outbox.")
            case .done, .failed, .cancelled: throw StoreError(.notPossible, "Job \(number) is \(record.runs[index].state.rawValue) already.")
            }
        }
    }

    /// Puts a job that failed or was cancelled into the queue again. It goes on from its resume point where it has one.
    @discardableResult
    public func retry(_ number: Int64) throws -> JobState {
        try request(number) { record, index in
            switch record.runs[index].state {
            case .failed, .cancelled: break
            case .done: throw StoreError(.notPossible, "Job \(number) is done; to train it again, put its folder into the inbox again.")
            case .queued, .running, .publishing: throw StoreError(.notPossible, "Job \(number) is \(record.runs[index].state.rawValue): there is nothing to retry.")
            }
            // Where all have ended the folder is on its way out, or will be: what has left already is brought back first.
            if record.state == .closed || record.isFinished { record.state = .reopening }
            record.runs[index].state = .queued
            record.runs[index].attempts = 0
            record.runs[index].error = nil
            record.runs[index].hook = nil
            // Its folder, or the configuration, may have been mended.
            record.runs[index].memory = nil
        }
    }

    /// Jobs of higher priority go first.
    public func setPriority(_ number: Int64, _ priority: Int) throws {
        try request(number) { record, index in
            let state = record.runs[index].state
            guard !state.isFinal else { throw StoreError(.notPossible, "Job \(number) is \(state.rawValue); a priority is of no use to it.") }
            record.runs[index].priority = priority
        }
    }

    /// - Parameter change: gets the folder's record and the position of the job's run in it.
    @discardableResult
    private func request(_ number: Int64, _ change: (inout JobRecord, Int) throws -> Void) throws -> JobState {
        let state = try write { db -> JobState in
            guard let (old, index) = try Self.find(db, number) else {
                throw StoreError(.noSuchJob, "There is no job \(number). `segmix status` lists them.")
            }
            var new = old
            try change(&new, index)
            try Self.save(db, old, &new, remark: "on request")
            return new.runs[index].state
        }
        requestMade()
        return state
    }
}
