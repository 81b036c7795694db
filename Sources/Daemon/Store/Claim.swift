import Files
import Foundation
import Jobs
import Logging

/// Takes folders from the inbox into the state directory, and picks up what an earlier daemon left there.
struct Claim: Sendable {
    let state: StateDirectory
    let configuration: Configuration
    let logger: Logger

    /// Takes one settled folder. Stopped at any moment, the folder is whole in the inbox or whole in `input`, and
    /// `recover` knows which.
    func take(_ name: String) throws -> JobRecord {
        let now = Date()
        let id = try state.makeJob(at: now)
        let source = Directory.joined(configuration.inbox, name)
        var record = JobRecord(id: id, name: name, source: source, claimed: now)
        do {
            try Folder.create(state.job(id) + "/input")
            try state.save(record)
            try FolderMove.flush(state.jobs)
            guard try FolderMove.move(source, to: state.input(record)) else { throw FileError("take", source, code: ENOENT) }
        } catch {
            if !Folder.exists(state.input(record)) { try? FolderMove.removeTree(state.job(id)) }
            throw error
        }
        try queue(&record)
        return record
    }

    /// Every job that is going on, ready to go on.
    func recover() throws -> [JobRecord] {
        var records: [JobRecord] = []
        for id in try state.identities() {
            do {
                if let record = try recover(id) { records.append(record) }
            } catch {
                logger.error("The job \(id) is left alone: \(error)")
            }
        }
        return records
    }

    private func recover(_ id: String) throws -> JobRecord? {
        guard var record = try state.load(id) else {
            // Made, but nothing was put into it yet.
            let input = state.job(id) + "/input"
            if Folder.exists(input), try !Folder.names(input).isEmpty {
                throw FileError("read", state.job(id) + "/job.json", code: ENOENT)
            }
            try FolderMove.removeTree(state.job(id))
            return nil
        }
        if record.state == .claimed {
            guard Folder.exists(state.input(record)) else {
                // The folder never left the inbox; what may lie here is an unfinished copy of it.
                try FolderMove.removeTree(state.job(id))
                return nil
            }
            do throws(FileError) { try FolderMove.move(record.source, to: state.input(record)) } catch {
                // Another folder of that name is there by now: it is a job of its own.
                guard error.code == EEXIST else { throw error }
            }
            try queue(&record)
        }
        for i in record.runs.indices where record.runs[i].state == .running {
            if let worker = record.runs[i].worker, worker.isAlive {
                logger.warning("Stopping the worker \(worker.pid) of \(record.name), which an earlier daemon left behind")
                WorkerProcess.end(worker)
            }
            record.runs[i].state = .queued
            record.runs[i].worker = nil
        }
        try state.save(record)
        return record
    }

    /// Finds the runs of a folder that has arrived and writes them down.
    private func queue(_ record: inout JobRecord) throws {
        let folder = JobFolder(state.input(record))
        let faults = try folder.faults(hasDefaultJob: configuration.defaultJob != nil)
        let files = try folder.specificationFiles()
        if !faults.isEmpty {
            let text = faults.map { $0.description + "." }.joined(separator: "\n")
            record.runs = [.init(specificationFile: nil, name: "job", state: .failed, error: text)]
        } else if files.isEmpty {
            record.runs = [.init(specificationFile: nil, name: "job", priority: priority(nil, in: folder))]
        } else {
            record.runs = files.map { .init(specificationFile: $0.file, name: $0.name, priority: priority($0.file, in: folder)) }
        }
        record.state = .queued
        try state.save(record)
    }

    /// The specification's `priority`; 0 where it is at fault, which its worker will tell.
    private func priority(_ file: String?, in folder: JobFolder) -> Int {
        var layers = SpecificationLayers()
        if let inherited = configuration.defaultJob { layers.add(inherited) }
        if let file, let bytes = try? Folder.contents(of: folder.path + "/" + file, limit: 1 << 20) { layers.add(file: bytes, name: file) }
        return layers.resolve().0.priority
    }
}
