import Files
import Foundation
import Jobs
import JobStore
import Logging

/// What a new daemon makes of what an old one left, whenever that was stopped: claims are finished or undone, workers that were
/// left behind are ended, and folders that the queue does not know (its database was lost, or is older than they are) come into it
/// again with what their own files and the outbox tell.
struct Recovery {
    let claim: Claim
    private var state: StateDirectory { claim.state }
    private var store: JobStore { claim.store }
    private var outbox: String { claim.configuration.outbox }

    /// What has yet to be copied from another file system, which may take longer than a start, is left to `adopt`.
    /// - Parameter areThere: whether inbox and outbox answer; else what is to be looked for in them is left to `adopt` too.
    /// - Throws: where the queue or the state directory cannot be used at all.
    func run(areThere: Bool = true) throws {
        StrayWorkers.end(state, logger: claim.logger)
        if areThere { try removeLeftovers(in: claim.configuration.inbox) }
        for id in areThere ? try unknown(in: state.jobs) : [] where !isOnItsWay(id) {
            do { try adopt(id) } catch { claim.logger.error("The folder \(state.job(id)) is left alone: \(error)") }
        }
        for id in try unknown(in: state.done) {
            let folder = Directory.joined(state.done, id)
            do { try adopt(id, in: folder, isOpen: false) } catch { claim.logger.error("The folder \(folder) is left alone: \(error)") }
        }
        for record in try store.records([.open, .reopening]) {
            do { try resume(record) } catch { claim.logger.error("The jobs of \(record.name.onOneLine()) (\(record.id)) are left alone: \(error)") }
        }
    }

    /// What could not be removed of folders that the queue has: a share keeps a file that somebody has open.
    private func removeLeftovers(in inbox: String) throws {
        let known = try store.identities()
        for name in (try? Folder.names(inbox)) ?? [] {
            guard let id = Claim.identity(ofLeftover: name), known.contains(id) else { continue }
            try? Directory.removeTree(Directory.joined(inbox, name))
        }
    }

    private func isOnItsWay(_ id: String) -> Bool {
        guard let origin = try? StateDirectory.load(JobOrigin.self, "origin.json", in: state.job(id)) else { return false }
        return !Folder.exists(state.input(id, origin.name)) && Folder.exists(Claim.taking(origin, id))
    }

    /// A folder that is in the queue: nothing of it can be running, and it must be where it belongs.
    private func resume(_ record: JobRecord) throws {
        let isThere = Folder.exists(state.job(record.id)), isAside = Folder.exists(Directory.joined(state.done, record.id))
        let most = max(6, 2 * claim.configuration.maxAttempts), tellsOfFailures = claim.configuration.onFailure != nil
        try store.update(record.id, remark: "the daemon was not there to see its end") { record in
            for i in record.runs.indices where record.runs[i].state == .running {
                record.runs[i].state = record.runs[i].isCancelling ? .cancelled : .queued
                // One that takes the daemon or the machine with it would be started for ever, and no other.
                if record.runs[i].state == .queued, record.runs[i].attempts >= most {
                    record.runs[i].state = .failed
                    record.runs[i].error = "It was started \(record.runs[i].attempts) times, and the last time the daemon or the machine went down with it, most likely for want of memory. Give it less to do (`resolution`, `train_batch_size`), or set `memory_per_job` in the configuration; then take it up again with `segmix retry`."
                    if tellsOfFailures { record.runs[i].hook = .pending }
                }
            }
        }
        if isThere || record.state == .reopening { return }
        // It was put aside, and only the note is missing; or somebody has taken it away.
        try store.update(record.id) { record in
            for i in record.runs.indices where record.runs[i].state == .queued {
                record.runs[i].state = .failed
                record.runs[i].error = "Its folder \(state.job(record.id)) has vanished from the state directory. Put the job into the inbox again."
                if tellsOfFailures { record.runs[i].hook = .pending }
            }
            if isAside || record.isFinished { record.state = .closed }
        }
    }

    // MARK: - Folders that the queue does not know

    /// Identities of folders that the queue does not have.
    func unknown(in folder: String) throws -> [String] {
        let known = try store.identities()
        return try StateDirectory.identities(in: folder).filter { !known.contains($0) }
    }

    /// Puts a folder of `jobs` into the queue, after finishing its way out of the inbox; or removes it where the folder is still there.
    /// - Throws: where neither can be done now.
    func adopt(_ id: String) throws { try adopt(id, in: state.job(id), isOpen: true) }

    private func adopt(_ id: String, in folder: String, isOpen: Bool) throws {
        let input = folder + "/input"
        var origin = try StateDirectory.load(JobOrigin.self, "origin.json", in: folder)
        if origin == nil, let name = try names(input).first(where: { !$0.hasPrefix(".") }) {
            origin = JobOrigin(name: name, source: Directory.joined(claim.configuration.inbox, name), claimed: Date())
        }
        guard let origin else {
            // Made, but nothing was put into it yet.
            guard isOpen, try names(folder).allSatisfy({ $0 == "input" || $0.hasPrefix(".") }) else {
                throw FileError("read", folder + "/origin.json", code: ENOENT)
            }
            return try Directory.removeTree(folder)
        }
        try require(origin, folder)
        let placement = try StateDirectory.load(JobPlacement.self, "placement.json", in: folder)
        guard isOpen else { return try adoptClosed(id, origin, placement, in: folder) }
        // Something of one that has run may be on its way to the outbox, its own folder among it.
        let hasRun = try Folder.isThere(folder + "/output")
        if hasRun { try ForeseenMount.require(outbox, to: "look into", waiting: "\(origin.name.onOneLine()) waits") }
        let partials = try partials(of: id, name: origin.name), failedPartial = partials.first { $0.hasSuffix("/" + ResultName.failedPartial(id)) }
        // A share may show late what has come there.
        let isHere = try Folder.isThere(input + "/" + origin.name) || names(input).contains(origin.name)
        if !isHere, placement?.failedAs == nil, failedPartial == nil {
            guard try Folder.isThere(Claim.taking(origin, id)) else {
                // A folder that has run has left the inbox.
                if hasRun, placement?.published.isEmpty ?? true {
                    throw FileError(
                        "take up", folder, reason: "it has run, and \(origin.name.onOneLine()) is neither in its `input` nor on its way in \(outbox)",
                        remedy: "Mount the outbox that it went to; if nobody needs it, remove \(folder)")
                }
                // The folder never left the inbox; what may lie here is an unfinished copy of it. But a share may be away, and with it
                // the folder under its hidden name.
                if let inbox = try Folder.contents(of: Claim.mark(state, id), limit: 1 << 16) { try requireAbsence(of: origin, id, from: String(decoding: inbox, as: UTF8.self)) }
                return try forget(folder)
            }
        }
        if placement == nil, partials.isEmpty {
            var isHidden = false
            try claim.move(origin, id, isHidden: &isHidden)
            _ = try claim.queue(origin, id)
            return claim.logger.notice("Found again: \(origin.name.onOneLine()) as \(id)")
        }
        try adoptPlaced(id, origin, placement ?? JobPlacement(), partials, failedPartial)
    }

    /// - Throws: `FileError` where the record of an origin would lead out of the job's folder, or what is still to be moved out of the inbox.
    private func require(_ origin: JobOrigin, _ folder: String) throws(FileError) {
        let isName = !["", ".", ".."].contains(origin.name) && !origin.name.utf8.contains(UInt8(ascii: "/"))
        // The inbox may have been another one then; of it nothing is taken but what was hidden there for this very job.
        let inbox = Directory.parent(of: origin.source)
        if isName, origin.source == Directory.joined(inbox, origin.name) { return }
        throw FileError(
            "take up", folder, reason: "its origin.json says that it is \(origin.name.onOneLine()) from \(origin.source.onOneLine()), which is no folder of the inbox",
            remedy: "Put the folder in its `input` into the inbox again")
    }

    /// Says in the log what becomes of a folder that is not to be found any more.
    /// - Parameter identity: of the inbox that it was about to be hidden in; empty where that is not known.
    /// - Throws: `FileError` where it may still be there, or in an inbox that cannot be seen now.
    private func requireAbsence(of origin: JobOrigin, _ id: String, from identity: String) throws {
        let inbox = Directory.parent(of: origin.source), taking = Claim.taking(origin, id)
        try ForeseenMount.requireMounted(inbox, to: "look into")
        let names = try Folder.names(inbox), isHidden = names.contains { $0.contains(".\(id).taking") }
        let isSame = !identity.isEmpty && identity == FileSystemIdentity.text(of: inbox)
        if try isHidden || isSame && age(ofMark: id) < Self.latestSight {
            throw FileError("find", taking, reason: "if it is there, the share does not show it yet", remedy: "It is looked for again for some minutes; nothing needs to be done")
        }
        if isSame {
            if names.contains(origin.name) { return }
            return claim.logger.notice("\(origin.name.onOneLine()) is no longer in \(inbox), nor there under the name that it has while \(id) is made of it: it was taken by somebody else or under another number, and \(id) is forgotten")
        }
        if identity.isEmpty, try Folder.isThere(origin.source) { return }
        if try names.contains(origin.name) && age(ofMark: id) >= Self.latestSight { return }
        guard origin.claimed < Date() - Self.longestAbsence else {
            let reason = identity.isEmpty ? "it is not there, nor under the name that it had before" : "\(inbox) is not the inbox that it was in, or cannot be told from another"
            throw FileError("find", taking, reason: reason, remedy: "If the inbox is a share, mount it; if somebody has taken the folder back, remove \(state.job(id))")
        }
        claim.logger.warning("\(origin.name.onOneLine()) was being taken a month ago, and has not been found since: \(id) is forgotten. Where its inbox is mounted again it may lie there as \(taking.onOneLine()); rename it to \(origin.name.onOneLine()) then")
    }

    /// Removes the folder of a claim of which nothing has come here but half a copy.
    private func forget(_ folder: String) throws {
        let input = folder + "/input"
        for name in try names(input) where name.hasPrefix(".") { try Directory.removeTree(Directory.joined(input, name)) }
        // Only this tells for certain: a share may show late what has come.
        guard rmdir(input) == 0 || errno == ENOENT else { throw FileError("remove", input, code: errno) }
        try Directory.removeTree(folder)
    }

    /// Seconds since a folder was about to be hidden in the inbox, by the clock of the state directory's own disk. One that was set back
    /// meanwhile says nothing; then it was long ago.
    private func age(ofMark id: String) throws(FileError) -> Int {
        let folder = state.job(id), mark = Claim.mark(state, id)
        guard utimensat(AT_FDCWD, folder, nil, 0) == 0, let now = RawPath(folder).status, let written = RawPath(mark).status else { throw FileError("look at", mark, code: errno) }
        return abs(now.st_mtim.tv_sec - written.st_mtim.tv_sec)
    }

    /// In seconds: so long after a rename a share may show names as they were before it.
    static let latestSight = 180

    /// In seconds: so long a share may be away.
    private static let longestAbsence: TimeInterval = 30 * 86_400

    /// A folder of which something is in the outbox, or on its way there.
    private func adoptPlaced(_ id: String, _ origin: JobOrigin, _ placement: JobPlacement, _ partials: [String], _ failedPartial: String?) throws {
        let input = state.input(id, origin.name)
        let places = [input] + [failedPartial, placement.failedAs.map { Directory.joined(outbox, $0) }].compactMap { $0.map { $0 + "/input" } }
        let folder = try places.first { try Folder.kind($0) == .directory }.map { JobFolder($0) }
        var runs = folder.flatMap { try? claim.runs(of: $0, queued: origin.claimed) } ?? []
        if runs.isEmpty { runs = [JobRecord.Run(specificationFile: nil, name: "job", queued: origin.claimed)] }
        for i in runs.indices {
            let name = runs[i].name
            let partial = ResultName.partial(id, run: i, of: runs.count)
            runs[i].publishedAs = placement.published[name]
            if partials.contains(where: { $0.hasSuffix("/" + partial) }) {
                runs[i].state = .publishing
            } else if placement.published[name] != nil {
                runs[i].state = .done
            } else if placement.cancelled.contains(name) {
                runs[i].state = .cancelled
            } else if let error = placement.failures[name] {
                (runs[i].state, runs[i].error) = (.failed, error)
            } else if let failedPartial {
                let file = failedPartial + "/error.txt", said = Folder.isFile(file) ? (try? Folder.contents(of: file, limit: 1 << 20)) : nil
                (runs[i].state, runs[i].error) = (.failed, said.map { String(decoding: $0, as: UTF8.self) } ?? "It failed.")
            }
            if runs[i].state.isFinal { runs[i].ended = origin.claimed }
        }
        var record = JobRecord(id: id, name: origin.name, source: origin.source, claimed: origin.claimed, runs: runs)
        record.resultFolder = placement.resultFolder ?? partials.map { Directory.parent(of: $0) }.first { $0 != outbox }.map { String($0.dropFirst(outbox.count + 1)) }
        record.failedAs = placement.failedAs
        try store.add(record, event: "found again in the state directory")
        claim.logger.notice("Found again: \(origin.name.onOneLine()) as \(id), on its way to the outbox")
    }

    /// History.
    private func adoptClosed(_ id: String, _ origin: JobOrigin, _ placement: JobPlacement?, in folder: String) throws {
        let placement = placement ?? JobPlacement()
        let names = Set(placement.published.keys).union(placement.failures.keys).union(placement.cancelled).sorted()
        let runs = (names.isEmpty ? ["job"] : names).map { name in
            var run = JobRecord.Run(
                specificationFile: nil, name: name, state: placement.cancelled.contains(name) ? .cancelled : placement.failures[name] != nil ? .failed : .done,
                error: placement.failures[name], queued: origin.claimed)
            run.publishedAs = placement.published[name]
            run.ended = origin.claimed
            return run
        }
        var record = JobRecord(id: id, name: origin.name, source: origin.source, claimed: origin.claimed, state: .closed, runs: runs)
        (record.resultFolder, record.failedAs) = (placement.resultFolder, placement.failedAs)
        try store.add(record, event: "found again in the state directory")
    }

    /// Hidden folders of the outbox in which results of this folder were being put together.
    /// - Throws: `FileError` where the outbox is there and cannot be looked into.
    private func partials(of id: String, name: String) throws(FileError) -> [String] {
        var found: [String] = []
        let starts = [name, ResultName.portable(name) ?? name].map { ResultName.shortened($0, in: outbox) }
        let root = Folder.leadsToDirectory(outbox) ? try Folder.names(outbox) : []
        let own = root.filter { entry in starts.contains { entry.hasPrefix($0) } }
        let folders = [outbox] + own.map { Directory.joined(outbox, $0) }
        for folder in folders {
            let entries: [String]
            // Somebody else's folder in the outbox is no place of ours.
            do throws(FileError) { entries = folder == outbox ? root : try names(folder) } catch { if error.code == EACCES, folder != outbox { continue } else { throw error } }
            for entry in entries where entry.hasPrefix(".\(id).") && entry.hasSuffix(".partial") {
                if Folder.isDirectory(Directory.joined(folder, entry)) { found.append(Directory.joined(folder, entry)) }
            }
        }
        return found
    }

    private func names(_ folder: String) throws(FileError) -> [String] { try Folder.kind(folder) == .directory ? try Folder.names(folder) : [] }
}
