import Files
import Foundation
import Jobs
import JobStore

/// `job.json`, in which the first version kept what it knew of a folder. It is read once, taken into the queue, and removed.
struct LegacyRecord: Decodable {
    struct Run: Decodable {
        var specificationFile: String?
        var name: String
        var priority: Int
        var state: String
        var attempts: Int
        var error: String?
        var lastEnd: String?
        var publishedAs: String?
    }

    var name: String
    var source: String
    var claimed: Date
    var runs: [Run]
    var resultFolder: String?
    var failedAs: String?

    static func load(in folder: String) throws(FileError) -> LegacyRecord? {
        guard Folder.exists(folder + "/job.json") else { return nil }
        guard let record = try StateDirectory.load(LegacyRecord.self, "job.json", in: folder) else {
            throw FileError("read", folder + "/job.json", reason: "it is damaged", remedy: "Move the folder \(folder) away; the job's input is in it")
        }
        return record
    }

    func record(_ id: String, isOpen: Bool) -> JobRecord {
        var record = JobRecord(id: id, name: name, source: source, claimed: claimed, state: isOpen ? .open : .closed)
        record.resultFolder = resultFolder
        record.failedAs = failedAs
        record.runs = runs.map { old in
            // What was running has no worker any more.
            let state = JobState(rawValue: old.state).map { $0 == .running ? .queued : $0 } ?? .queued
            var run = JobRecord.Run(
                specificationFile: old.specificationFile, name: old.name, priority: old.priority, state: isOpen || state.isFinal ? state : .failed,
                error: old.error, queued: claimed)
            run.attempts = old.attempts
            run.lastEnd = old.lastEnd
            run.publishedAs = old.publishedAs
            if run.state.isFinal { run.ended = claimed }
            return run
        }
        return record
    }
}
