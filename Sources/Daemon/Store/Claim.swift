import Files
import Foundation
import Jobs
import JobStore
import Logging

/// Takes folders from the inbox into the state directory and puts their jobs into the queue.
struct Claim: Sendable {
    let state: StateDirectory
    let store: JobStore
    let live: LiveConfiguration
    /// As it holds now.
    var configuration: Configuration { live.current }
    let logger: Logger

    /// A folder that has left its place in the inbox and is not in the queue: `Recovery` knows how to go on with it.
    struct Unfinished: Error {
        let id: String
        let reason: any Error
    }

    /// The one of some claims that was to hide the folder of that name in this inbox, and has not, as far as the inbox shows.
    func begun(_ name: String, among ids: some Sequence<String>) -> String? {
        let source = Directory.joined(configuration.inbox, name)
        return ids.first { id in
            guard let origin = try? StateDirectory.load(JobOrigin.self, "origin.json", in: state.job(id)), origin.source.utf8.elementsEqual(source.utf8),
                let inbox = try? Folder.contents(of: Self.mark(state, id), limit: 1 << 16), let own = FileSystemIdentity.text(of: configuration.inbox)
            else { return false }
            let taking = Self.taking(origin, id)
            return inbox.elementsEqual(own.utf8) && !Folder.exists(state.input(id, name)) && !Folder.exists(taking) && (try? Folder.lists(taking)) == false
        }
    }

    /// Takes one settled folder. Stopped at any moment, the folder is whole in the inbox or whole in `input`, and
    /// `Recovery` knows which. Of two daemons that try, one gets the folder and the other an error.
    /// - Parameter begun: the claim that is gone on with; nil: a new one.
    /// - Throws: `Unfinished` where it is neither in the inbox under its name nor in the queue; everything else leaves it in the inbox.
    func take(_ name: String, goingOnWith begun: String? = nil) throws -> JobRecord {
        let now = Date()
        let id = try begun ?? state.makeJob(at: now)
        let origin = JobOrigin(name: name, source: Directory.joined(configuration.inbox, name), claimed: now)
        let input = state.input(id, name)
        var isHidden = false
        do {
            try StateDirectory.create(state.job(id) + "/input")
            try state.save(origin, as: "origin.json", of: id)
            try Directory.flush(state.jobs)
            try move(origin, id, isHidden: &isHidden)
        } catch {
            // While the folder is hidden in the inbox, this is what it is found again by. Whether it has come here only the removal of the folder
            // that it would be in can tell: a share may show late what lies in it.
            // One that is gone on with may have been hidden before.
            guard begun == nil, !isHidden, rmdir(Directory.parent(of: input)) == 0 || errno == ENOENT else { throw Unfinished(id: id, reason: error) }
            try? Directory.removeTree(state.job(id))
            throw error
        }
        do { return try queue(origin, id) } catch {
            guard Directory.renameWithoutReplacing(input, origin.source) else { throw Unfinished(id: id, reason: error) }
            try? Directory.removeTree(state.job(id))
            throw error
        }
    }

    /// Moves the folder of `origin` into the job's folder, or finishes such a move. What was looked at need not be what is moved: something
    /// else that has taken its place meanwhile, a link above all, goes back into the inbox.
    /// - Parameter isHidden: whether it may have left its place in the inbox when this throws.
    func move(_ origin: JobOrigin, _ id: String, isHidden: inout Bool) throws {
        try bring(origin, id, isHidden: &isHidden)
        let input = state.input(id, origin.name)
        if try Folder.kind(input) == .directory {
            unlink(Self.mark(state, id))
            return
        }
        if putBack(input, origin, id) { isHidden = false }
        throw FileError("take", origin.source, reason: "it is no folder any more, but a link or a file", remedy: "Put the job's folder itself into the inbox")
    }

    private func bring(_ origin: JobOrigin, _ id: String, isHidden: inout Bool) throws {
        let input = state.input(id, origin.name)
        let taking = Self.taking(origin, id), isHere = try Folder.isThere(input)
        // Whole, and the inbox that it came from may be another by now, or away.
        if isHere, try !FolderMove.isUnfinished(at: input) { return }
        if !isHere, try !Folder.isThere(taking) {
            if Directory.renameWithoutReplacing(origin.source, input) {
                try Directory.flush(Directory.parent(of: input))
                return try Directory.flush(Directory.parent(of: origin.source))
            }
            let code = errno
            isHidden = !FileError.isRefusal(code)
            if code == EBUSY {
                throw FileError(
                    "take", origin.source, reason: "it is a mount point, or in use by the system",
                    remedy: "Put the job's folder into the inbox itself; where this is a share with jobs in it, name it as `inbox`")
            }
            if code == EACCES || code == EPERM { throw Self.mayNotMove(origin.source, origin.source) }
            guard code == EXDEV else { throw FileError("take", origin.source, code: code) }
            // On another file system, or another of systemd's mounts, it has to be copied, and its source removed.
            if let folder = try Directory.obstacle(toRemoving: origin.source) { throw Self.mayNotMove(origin.source, folder) }
            try requireRoom(for: origin.source)
            // That takes time; out of the sight of other daemons first. The mark says that it may be there and nowhere else, and what inbox this is.
            try AtomicFile.write(FileSystemIdentity.text(of: Directory.parent(of: origin.source)) ?? "", to: Self.mark(state, id))
            guard Directory.renameWithoutReplacing(origin.source, taking) else {
                let code = errno
                // A share may have done it and not been able to say so, or have been asked twice.
                isHidden = !FileError.isRefusal(code) || (try? Folder.lists(taking)) != false
                throw code == EACCES || code == EPERM ? Self.mayNotMove(origin.source, origin.source) : FileError("take", origin.source, code: code)
            }
        }
        isHidden = true
        // An earlier move may have been broken off while it wrote its mark.
        try AtomicFile.removeLeftovers(in: Directory.parent(of: input))
        do {
            guard try FolderMove.move(taking, to: input) || isHere else { throw FileError("take", origin.source, code: ENOENT) }
        } catch {
            // It is here, whole, and what is left over there cannot be removed.
            let isHere = try? Folder.isThere(input)
            if isHere == true, (try? Folder.isThere(taking)) == false, (try? FolderMove.hasArrived(taking, at: input)) == true {
                return logger.error("\(origin.name.onOneLine()) was taken, but not everything of it could be removed from the inbox: \(error)")
            }
            if isHere == false, (try? Folder.lists(input)) == false { isHidden = !putBack(taking, origin, id) }
            throw error
        }
    }

    /// A copy must not fill the disk that running jobs need.
    private func requireRoom(for source: String) throws {
        let needed = try FolderSnapshot(of: source).size
        guard let free = Directory.freeBytes(at: state.path), needed > free - configuration.minFreeSpace else { return }
        throw FileError(
            "take", source, reason: "it has \(needed >> 20) MiB, and \(state.path), where it would be copied to, has \(free >> 20) MiB free (`min_free_space` is \(configuration.minFreeSpace >> 20) MiB)",
            remedy: "Make room, or take out of the folder what does not belong to the job")
    }

    /// - Parameter folder: the one that stands in the way.
    private static func mayNotMove(_ source: String, _ folder: String) -> FileError {
        FileError(
            "take", source, reason: "this program may not move \(folder == source ? "it" : folder), for which it needs the right to write in it",
            remedy: "Give it that (chmod -R g+rwX), or drop folders with `segmix submit`")
    }

    /// Under another name where somebody has dropped a folder of the same one meanwhile. It is not hidden any more then.
    /// - Returns: whether that worked.
    private func putBack(_ path: String, _ origin: JobOrigin, _ id: String) -> Bool {
        let inbox = Directory.parent(of: origin.source)
        let isBack = (1...100).contains { (try? FolderMove.move(path, to: Directory.joined(inbox, ResultName.candidate(origin.name, attempt: $0, in: inbox)))) == true }
        if isBack { unlink(Self.mark(state, id)) }
        return isBack
    }

    /// Where it lies, the folder may have been hidden in the inbox whose `FileSystemIdentity` it holds; earlier versions wrote nothing into it.
    static func mark(_ state: StateDirectory, _ id: String) -> String { state.job(id) + "/.taking" }

    /// The hidden name of a folder that is being copied from the inbox.
    static func taking(_ origin: JobOrigin, _ id: String) -> String {
        let inbox = Directory.parent(of: origin.source)
        return Directory.joined(inbox, ".\(ResultName.shortened(origin.name, in: inbox)).\(id).taking")
    }

    /// What the hidden name of a folder says that is being copied from the inbox: its own name, and the job's identity; nil for every other name.
    static func parts(ofTaking name: String) -> (name: String, id: String)? {
        guard name.hasPrefix("."), name.hasSuffix(".taking") else { return nil }
        let inner = name.dropFirst().dropLast(".taking".count)
        guard let dot = inner.lastIndex(of: "."), dot != inner.startIndex else { return nil }
        let id = inner[inner.index(after: dot)...]
        guard id.split(separator: "-").count == 4, id.utf8.allSatisfy({ UnicodeScalar($0).properties.isASCIIHexDigit || $0 == UInt8(ascii: "-") }) else { return nil }
        return (String(inner[..<dot]), String(id))
    }

    /// The identity of a folder of which something is left in the inbox although it is here; nil for every other name.
    static func identity(ofLeftover name: String) -> String? {
        guard name.hasPrefix(".."), name.hasSuffix(".taking.leaving") else { return nil }
        return name.split(separator: ".").dropLast(2).last.map(String.init)
    }

    /// Finds the jobs of a folder that has arrived and puts them into the queue.
    func queue(_ origin: JobOrigin, _ id: String) throws -> JobRecord {
        let record = JobRecord(
            id: id, name: origin.name, source: origin.source, claimed: origin.claimed,
            runs: try runs(of: JobFolder(state.input(id, origin.name)), queued: origin.claimed))
        // What never gets a worker has its log too.
        for (i, run) in record.runs.enumerated() where run.state == .failed {
            let log = state.log(record, run: i)
            try StateDirectory.create(Directory.parent(of: log))
            try AtomicFile.write(Data(((run.error ?? "") + "\n").utf8), to: log, mode: 0o644)
        }
        return try store.add(record)
    }

    /// One run for every specification; one that has failed where the folder is no job at all.
    func runs(of folder: JobFolder, queued: Date) throws -> [JobRecord.Run] {
        let faults = try folder.faults(hasDefaultJob: configuration.defaultJob != nil)
        let files = try folder.specificationFiles()
        if !faults.isEmpty {
            let text = faults.map { $0.description + "." }.joined(separator: "\n")
            var run = JobRecord.Run(specificationFile: nil, name: "job", state: .failed, error: text, queued: queued)
            run.ended = queued
            if configuration.onFailure != nil { run.hook = .pending }
            return [run]
        }
        let plans = files.isEmpty ? [(nil, "job")] : files.map { ($0.file as String?, $0.name) }
        return plans.map { file, name in
            let specification = configuration.specification(file, in: folder)
            return JobRecord.Run(
                specificationFile: file, name: name, priority: specification.priority,
                notBefore: specification.notBefore.flatMap { StartTime.date($0) }, queued: queued)
        }
    }
}
