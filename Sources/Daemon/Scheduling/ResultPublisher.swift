import Files
import Foundation
import Jobs

/// Brings results to the outbox. Every step can be repeated after being broken off anywhere.
struct ResultPublisher: Sendable {
    let state: StateDirectory
    let outbox: String
    let queue: JobQueue

    /// Publishes the result of a run that went well: as `NAME`, or as `NAME/SPEC` where the folder has several.
    ///
    /// - Returns: where it lies, relative to the outbox.
    func publish(_ id: String, run: Int) async throws -> String {
        var record = await queue.record(id)
        try adoptLog(record, run: run)
        let parts = [Publication.Part.contents(of: state.output(record, run: run), into: "")]
        var folder = outbox, name = record.name, identity = id
        if record.runs.count > 1 {
            record = try await chooseResultFolder(record)
            folder = Directory.joined(outbox, record.resultFolder!)
            name = record.runs[run].name
            identity += ".\(run)"
        }
        let publication = Publication(folder: folder, name: name, job: identity)
        let published = try await publication.publish(chosen: record.runs[run].publishedAs, parts: parts) { chosen in
            try await queue.update(id) { $0.runs[run].publishedAs = chosen }
        }
        try await queue.update(id) { $0.runs[run].state = .done }
        return record.resultFolder.map { "\($0)/\(published)" } ?? published
    }

    /// When all runs have ended: publishes what failed together with the folder from the inbox, then puts the job's
    /// record aside. The input of a job that went well stays with the record in `done`.
    ///
    /// - Returns: where the failure lies, relative to the outbox; nil where there is none.
    func finish(_ id: String) async throws -> String? {
        let record = await queue.record(id)
        guard Folder.exists(state.job(id)) else {
            // It was put aside already, and only the disk's confirmation failed.
            await queue.remove(id, failed: record.hasFailed)
            return record.failedAs
        }
        var failedAs: String?
        if record.hasFailed {
            let publication = Publication(folder: outbox, name: ResultName.failed(record.name), job: "\(id).failed")
            for (i, run) in record.runs.enumerated() where run.state == .failed { try adoptLog(record, run: i) }
            failedAs = try await publication.publish(chosen: record.failedAs, parts: failureParts(record)) { chosen in
                try await queue.update(id) { $0.failedAs = chosen }
            }
        }
        let final = try await queue.update(id) { $0.state = $0.hasFailed ? .failed : .done }
        if !final.hasFailed {
            // Only resume points and caches are left of it.
            try FolderMove.removeTree(state.job(id) + "/output")
        }
        try FolderMove.move(state.job(id), to: Directory.joined(state.done, id))
        await queue.remove(id, failed: final.hasFailed)
        return failedAs
    }

    private func failureParts(_ record: JobRecord) -> [Publication.Part] {
        let failed = record.runs.indices.filter { record.runs[$0].state == .failed }
        let isSingle = record.runs.count == 1
        var parts: [Publication.Part] = failed.map { .contents(of: state.output(record, run: $0), into: isSingle ? "" : record.runs[$0].name) }
        var text = failed.map { i in
            (isSingle ? "" : "\(record.runs[i].specificationFile ?? record.runs[i].name): ") + (record.runs[i].error ?? "It failed.")
        }.joined(separator: "\n\n")
        if let folder = record.resultFolder { text += "\n\nThe other results of this folder are in \(folder)." }
        text += "\n\nThe folder itself is in `input`, as it was. Put it into the inbox again when it is in order.\n"
        parts.append(.text(text, to: "error.txt"))
        parts.append(.moved(from: state.input(record), to: "input"))
        return parts
    }

    /// Puts the run's log among its results; a worker that writes a `job.log` itself keeps it.
    private func adoptLog(_ record: JobRecord, run: Int) throws {
        let output = state.output(record, run: run)
        try Folder.create(output)
        let target = Directory.joined(output, "job.log")
        try FolderMove.move(state.log(record, run: run), to: Folder.exists(target) ? Directory.joined(output, "worker.log") : target)
    }

    /// The folder for the results of several specifications; written down before it is made.
    private func chooseResultFolder(_ record: JobRecord) async throws -> JobRecord {
        if let folder = record.resultFolder {
            try Folder.create(Directory.joined(outbox, folder))
            return record
        }
        var attempt = 1
        while true {
            let candidate = ResultName.candidate(record.name, attempt: attempt)
            attempt += 1
            if Folder.exists(Directory.joined(outbox, candidate)) { continue }
            let updated = try await queue.update(record.id) { $0.resultFolder = candidate }
            if mkdir(Directory.joined(outbox, candidate), 0o777) == 0 {
                try FolderMove.flush(outbox)
                return updated
            }
            guard errno == EEXIST else { throw FileError("create", Directory.joined(outbox, candidate), code: errno) }
        }
    }
}
