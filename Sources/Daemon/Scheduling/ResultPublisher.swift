import Files
import Foundation
import Jobs
import JobStore

/// Brings results to the outbox, and back where a job is tried again. Every step can be repeated after being broken off anywhere.
struct ResultPublisher: Sendable {
    let state: StateDirectory
    let store: JobStore
    let configuration: Configuration
    private var outbox: String { configuration.outbox }

    /// Publishes the result of a run that went well: as `NAME`, or as `NAME/SPEC` where the folder has several.
    ///
    /// - Returns: where it lies, relative to the outbox.
    func publish(_ id: String, run: Int) async throws -> String {
        var record = try load(id)
        try requireOutbox()
        try adoptLog(record, run: run)
        let parts = [Publication.Part.contents(of: state.output(record, run: run), into: "")]
        var folder = outbox, name = record.name
        if record.runs.count > 1 {
            record = try chooseResultFolder(record)
            folder = Directory.joined(outbox, record.resultFolder!)
            name = record.runs[run].name
        }
        let publication = Publication(folder: folder, name: name, partial: ResultName.partial(id, run: run, of: record.runs.count))
        let published = try await publication.publish(chosen: record.runs[run].publishedAs, parts: parts) { chosen in
            try place(id) { $0.runs[run].publishedAs = chosen }
        }
        let result = record.resultFolder.map { "\($0)/\(published)" } ?? published
        try store.update(id, remark: result) {
            $0.runs[run].state = .done
            if configuration.onFinish != nil { $0.runs[run].hook = .pending }
        }
        return result
    }

    /// When all runs have ended: publishes what failed or was cancelled together with the folder from the inbox, then puts the job's
    /// folder aside. The input of a job that went well stays in `done`.
    ///
    /// - Returns: where the failure lies, relative to the outbox; nil where there is none.
    func finish(_ id: String) async throws -> String? {
        var record = try load(id)
        // Taken up again in this very moment.
        guard record.state == .open, record.isFinished else { return nil }
        if try Folder.isThere(state.job(id)) {
            if record.hasUnfinished {
                try requireOutbox()
                let name = record.hasFailed ? ResultName.failed(record.name, in: outbox) : ResultName.cancelled(record.name, in: outbox)
                let publication = Publication(folder: outbox, name: name, partial: ResultName.failedPartial(id))
                for (i, run) in record.runs.enumerated() where run.state != .done { try adoptLog(record, run: i) }
                func publish(without reason: FileError? = nil) async throws {
                    _ = try await publication.publish(chosen: record.failedAs, mayBeGone: true, parts: failureParts(record, withoutInput: reason)) { chosen in
                        try place(id) { $0.failedAs = chosen }
                    }
                }
                do { try await publish() } catch let error as FileError where Self.cannotBeHeld(error) {
                    // Where it has gone through, it is something else that cannot be held.
                    guard try Folder.isThere(state.input(record)) else { throw error }
                    try await publish(without: error)
                }
            } else {
                // Only resume points and caches are left of it.
                try Directory.removeTree(state.job(id) + "/output")
            }
            // An earlier daemon may have been killed while it wrote one of the job's small files.
            try AtomicFile.removeLeftovers(in: state.job(id))
            for run in record.runs.indices { unlink(state.estimate(of: id, run: run)) }
            try FolderMove.move(state.job(id), to: Directory.joined(state.done, id))
        }
        // What is to be tried again is brought back next.
        record = try store.update(id) { if $0.state == .open { $0.state = .closed } }
        return record.failedAs
    }

    /// Brings a folder back from `done`, and from the outbox what was put there when it had failed: a job that is tried again goes on
    /// where it was. What lies in the outbox is others' to change: only folders and ordinary files come back, and nothing by way of a link.
    func reopen(_ id: String) throws {
        let record = try load(id), aside = Directory.joined(state.done, id)
        if try Folder.isThere(aside) { try FolderMove.move(aside, to: state.job(id)) }
        let input = state.input(record)
        // Where it lies, or was being put together; a log that is still in its place has not left, nor has anything else.
        let partial = Directory.joined(outbox, ResultName.failedPartial(id))
        let published = record.failedAs.map { Directory.joined(outbox, $0) }, isLost = try published.map { try isAnothers($0, id) } ?? false
        let hasLeft = try record.failedAs != nil || !Folder.isThere(input)
            || record.runs.indices.contains { try record.runs[$0].state != .done && !Folder.isThere(state.log(record, run: $0)) }
        for place in hasLeft ? (isLost ? [] : [published].compactMap { $0 }) + [partial] : [] {
            let kind = try Folder.kind(place)
            if kind == nil {
                try requireOutbox()
                if place == partial { continue }
            }
            try StateDirectory.create(Directory.parent(of: input))
            guard kind == .directory else { continue }
            if place == partial { try AtomicFile.removeLeftovers(in: place) }
            // What was broken off is gone on with first, the way there and the way back: a copy is no input before its source has gone.
            // What is under its last name in the outbox is others' to change, marks too.
            if place == partial, try FolderMove.isUnfinished(at: place + "/input") { try FolderMove.move(input, to: place + "/input") }
            let isToMove = try Folder.isThere(input) ? FolderMove.isUnfinished(at: input) : Folder.kind(place + "/input") == .directory || FolderMove.isUnfinished(at: input)
            if isToMove {
                try FolderMove.move(place + "/input", to: input)
                // What was put in its place in the last moment.
                if !Folder.isDirectory(input) { try Directory.removeTree(input) }
            }
            if try Folder.kind(input) == .directory {
                for (i, run) in record.runs.enumerated() where run.state != .done {
                    let own = ResultName.existing(run.name, in: place)
                    try takeBack(record, run: i, from: record.runs.count > 1 ? "\(place)/\(own)" : place, isUnderWay: place == partial)
                }
                try Directory.removeTree(place + "/error.txt")
                if place == partial { try FolderMove.removeBeginnings(in: place) }
                // Something else that somebody has put there stays where it is.
                rmdir(place)
            }
        }
        // A log that was put among results which never left.
        for (i, run) in record.runs.enumerated() where run.state != .done {
            let log = state.log(record, run: i)
            try StateDirectory.create(Directory.parent(of: log))
            for (source, target) in zip(adoptedLogs(record, run: i), [log, log + ".1"]) {
                if try Folder.isThere(source), try !Folder.isThere(target) { try FolderMove.move(source, to: target) }
            }
        }
        let hasInput = try Folder.kind(input) == .directory
        let isLinked = published.map { Folder.leadsToDirectory($0 + "/input") && !(Folder.isDirectory($0) && Folder.isDirectory($0 + "/input")) } ?? false
        let updated = try store.update(id, remark: hasInput ? nil : "its folder is gone") { record in
            record.state = .open
            if hasInput { record.failedAs = nil }
            for i in record.runs.indices where !hasInput && record.runs[i].state == .queued {
                record.runs[i].state = .failed
                record.runs[i].error = "It cannot be tried again: \(isLinked ? "\(record.failedAs!) or its input is a link, which is not followed" : isLost ? "\(record.failedAs!) is another job's by now" : "its folder is not in \(record.failedAs ?? "the state directory")/input any more"). Put the folder into the inbox again."
            }
        }
        try state.save(JobPlacement(updated), as: "placement.json", of: id)
    }

    /// - Parameter isUnderWay: whether it was being put together there.
    private func takeBack(_ record: JobRecord, run: Int, from place: String, isUnderWay: Bool) throws {
        guard try Folder.kind(place) == .directory else { return }
        let output = state.output(record, run: run), log = state.log(record, run: run)
        try StateDirectory.create(output)
        try StateDirectory.create(Directory.parent(of: log))
        let others = Set(record.runs.count > 1 ? [] : ["input", "error.txt"])
        // Hidden entries are the worker's own and never leave.
        for name in isUnderWay ? try Folder.names(place) : [] where !name.hasPrefix(".") && !others.contains(name) {
            // The outbox may have refused its own name.
            guard let own = try FolderMove.sourceName(ofUnfinishedAt: Directory.joined(place, name)) else { continue }
            try FolderMove.move(Directory.joined(output, own), to: Directory.joined(place, name))
        }
        let names = Set(try Folder.names(place).compactMap { FolderMove.nameBeforeLeaving($0) ?? (FolderMove.isLeftover($0) ? nil : $0) })
        for name in names.subtracting(others).sorted() {
            let isLog = try name == "job.log" && (!Folder.isThere(log) || FolderMove.isUnfinished(at: log))
            let source = Directory.joined(place, name), target = isLog ? log : Directory.joined(output, name)
            if try !FolderMove.isUnfinished(at: target) {
                guard try !Folder.isThere(target), let kind = try Folder.kind(source), kind == .file || !isLog && kind == .directory else { continue }
            }
            try FolderMove.move(source, to: target)
        }
        // What lies deeper, or was put in the place of something in the last moment: a worker would write through it.
        for path in [output, log] { try Directory.removeAllButFiles(in: path) }
        try Directory.removeTree(output + "/error.txt")
        guard record.runs.count > 1 else { return }
        if isUnderWay { try FolderMove.removeBeginnings(in: place) }
        rmdir(place)
    }

    /// Writes a name down, in the queue and beside the job, before anything appears under it.
    private func place(_ id: String, _ change: (inout JobRecord) -> Void) throws {
        let record = try store.update(id, change)
        try state.save(JobPlacement(record), as: "placement.json", of: id)
    }

    private func load(_ id: String) throws -> JobRecord {
        guard let record = try store.record(id) else { throw StoreError(.noSuchJob, "The folder \(id) is not in the queue any more.") }
        return record
    }

    /// An outbox that is gone (a share that is not mounted) is waited for, never made anew in its place.
    private func requireOutbox() throws { try ForeseenMount.require(outbox, to: "publish in", waiting: "the results wait") }

    /// Whether the outbox's file system has no room for something of the kind: links on a share, two names that differ in case.
    private static func cannotBeHeld(_ error: FileError) -> Bool {
        [EEXIST, EILSEQ, EINVAL, ENAMETOOLONG, ENOSYS, EOPNOTSUPP, EPERM].contains(error.code)
    }

    /// Begins the last line of `error.txt`: of which job the folder is.
    private static let identityLine = "\nJob folder: "

    /// Whether a folder of the outbox says that it is another job's. Somebody may have taken ours away, and another has its name by now.
    /// A text that is gone, or that this program may not read, says nothing.
    private func isAnothers(_ place: String, _ id: String) throws(FileError) -> Bool {
        let file = place + "/error.txt"
        guard Folder.isDirectory(place), Folder.isFile(file) else { return false }
        let bytes: [UInt8]?
        do { bytes = try Folder.contents(of: file, limit: 1 << 24) } catch {
            if error.mayPass, ![EACCES, EPERM].contains(error.code) { throw error }
            return false
        }
        let text = String(decoding: bytes ?? [], as: UTF8.self)
        guard let line = text.range(of: Self.identityLine, options: .backwards) else { return false }
        // An editor of Windows may have ended it in its own way, and somebody have added a note.
        return text[line.upperBound...].prefix { !$0.isNewline }.trimmingCharacters(in: .whitespaces) != id
    }

    /// - Parameter reason: why the folder itself is not among them; it is put aside with the job then.
    private func failureParts(_ record: JobRecord, withoutInput reason: FileError?) -> [Publication.Part] {
        let unfinished = record.runs.indices.filter { record.runs[$0].state != .done }
        let isSingle = record.runs.count == 1
        var parts: [Publication.Part] = unfinished.map { .contents(of: state.output(record, run: $0), into: isSingle ? "" : record.runs[$0].name) }
        var text = unfinished.map { i in
            let name = record.runs[i].specificationFile ?? record.runs[i].name
            let said = record.runs[i].state == .cancelled ? "It was cancelled on request." : record.runs[i].error ?? "It failed."
            return isSingle || said.hasPrefix(name + ":") ? said : "\(name): \(said)"
        }.joined(separator: "\n\n")
        let name = record.name.onOneLine()
        if let folder = record.resultFolder { text += "\n\nThe other results of this folder are in \(folder)." }
        if let reason {
            text += "\n\nThe folder itself cannot be put here. \(reason) It is in \(Directory.joined(state.done, record.id))/input. Put it into the inbox again, as \(name), when it is in order"
        } else {
            text += "\n\nThe folder itself is in `input`, as it was. Put it into the inbox again, as \(name), when it is in order"
        }
        text += record.hasFailed ? ".\n" : ", or take the job up where it was with `segmix retry`.\n"
        text += Self.identityLine + record.id + "\n"
        parts.append(.text(text, to: "error.txt"))
        if reason == nil { parts.append(.moved(from: state.input(record), to: "input")) }
        return parts
    }

    /// Puts the run's log among its results.
    private func adoptLog(_ record: JobRecord, run: Int) throws {
        let log = state.log(record, run: run)
        try StateDirectory.create(state.output(record, run: run))
        for (source, target) in zip([log, log + ".1"], adoptedLogs(record, run: run)) {
            guard try Folder.isThere(source) else { continue }
            // What lies there is a worker's own doing.
            try Directory.removeTree(target)
            try FolderMove.move(source, to: target)
        }
    }

    /// `job.log` and the one before it.
    private func adoptedLogs(_ record: JobRecord, run: Int) -> [String] { ["job.log", "job.log.1"].map { Directory.joined(state.output(record, run: run), $0) } }

    /// The folder for the results of several specifications; written down before it is made.
    private func chooseResultFolder(_ record: JobRecord) throws -> JobRecord {
        if let folder = record.resultFolder {
            let path = Directory.joined(outbox, folder), code = mkdir(path, 0o777) == 0 ? 0 : errno
            let isFolder = code == EEXIST && Folder.isDirectory(path)
            if try code == 0 || isFolder && isOwn(path, record) { return record }
            if code == EEXIST, !isFolder { throw FileError("publish in", path, reason: "it is no folder, but a link or a file", remedy: "Put the folder itself there, or an empty one; the results wait until then") }
            // Written down before it was known that there can be none of that name, or that another has it: another is chosen.
            guard isFolder || ResultName.isRefused(code) else { throw FileError("create", path, code: code) }
        }
        var attempt = 1, name = record.name
        while true {
            let candidate = ResultName.candidate(name, attempt: attempt, in: outbox)
            attempt += 1
            if try Folder.isThere(Directory.joined(outbox, candidate)) { continue }
            try place(record.id) { $0.resultFolder = candidate }
            if mkdir(Directory.joined(outbox, candidate), 0o777) == 0 {
                try Directory.flush(outbox)
                return try load(record.id)
            }
            if ResultName.isRefused(errno), let portable = ResultName.portable(name) {
                (name, attempt) = (portable, 1)
                continue
            }
            guard errno == EEXIST else { throw FileError("create", Directory.joined(outbox, candidate), code: errno) }
        }
    }

    /// Whether the folder of several results whose name was written down is the one that was made then.
    private func isOwn(_ folder: String, _ record: JobRecord) throws(FileError) -> Bool {
        if record.runs.contains(where: { $0.publishedAs != nil }) { return true }
        let names = try Folder.names(folder)
        return names.isEmpty || names.contains { $0.hasPrefix(".\(record.id).") }
    }
}
