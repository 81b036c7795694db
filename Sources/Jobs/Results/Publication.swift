import Files
import Foundation

/// Puts a result into the outbox so that it appears whole or not at all, and so that being stopped at any moment
/// costs nothing: every step looks whether it is already done.
///
/// The parts are moved into a hidden folder beside the final one, everything is flushed, and the folder is renamed. No
/// part is ever deleted here; what is in the hidden folder when the machine goes down is still there afterwards. A name that
/// the outbox's file system refuses is made one that it takes (`ResultName.portable`).
public struct Publication: Sendable {
    /// Something that becomes a part of the result.
    public enum Part: Sendable {
        /// A file or folder that is moved; where it is gone already, it was moved before.
        case moved(from: String, to: String)
        /// Everything in a folder but hidden entries (a worker's own: resume points, caches).
        case contents(of: String, into: String)
        /// A text that is written.
        case text(String, to: String)
    }

    /// The folder in which the result appears: the outbox, or one inside it.
    public let folder: String
    /// What the result is to be called if that name is free.
    public let name: String
    private let partial: String

    /// - Parameter partial: the name of the hidden folder in which it is put together.
    public init(folder: String, name: String, partial: String) {
        self.folder = folder
        self.name = name
        self.partial = Directory.joined(folder, partial)
    }

    /// - Parameters:
    ///   - chosen: the name that an earlier, broken-off publication had chosen.
    ///   - mayBeGone: whether somebody may have taken away what appeared under it.
    ///   - parts: what the result is made of.
    ///   - willAppear: is told the name before the result appears under it, to write it down.
    /// - Returns: the name under which it appeared.
    /// - Throws: `FileError`, and what `willAppear` throws. Nothing is lost; call it again.
    public func publish(chosen: String?, mayBeGone: Bool = false, parts: [Part], willAppear: (String) async throws -> Void) async throws -> String {
        // Chosen, and nothing left to rename: it has appeared, whatever has been done to it since.
        if let chosen, try !Folder.isThere(partial) {
            guard try mayBeGone || Folder.isThere(Directory.joined(folder, chosen)) else {
                throw FileError(
                    "find", Directory.joined(folder, chosen), reason: "the result was about to appear there",
                    remedy: "Mount the outbox if it is a share; if somebody has taken the result away already, make an empty folder of that name")
            }
            return chosen
        }
        try Directory.create(folder)
        try make(partial)
        // A text that was being written when the machine went down.
        try AtomicFile.removeLeftovers(in: partial)
        for part in parts { try add(part) }
        try Directory.flushTree(partial)
        var attempt = 1, name = name
        while true {
            let candidate = ResultName.candidate(name, attempt: attempt, in: folder)
            let destination = Directory.joined(folder, candidate)
            if try !Folder.isThere(destination) {
                try await willAppear(candidate)
                if Directory.renameWithoutReplacing(partial, destination) {
                    try Directory.flush(folder)
                    return candidate
                }
                if ResultName.isRefused(errno), let portable = ResultName.portable(name) {
                    name = portable
                    continue
                }
                guard errno == EEXIST || errno == ENOTEMPTY else { throw FileError("publish", destination, code: errno) }
            }
            attempt += 1
        }
    }

    private func add(_ part: Part) throws {
        switch part {
        case .moved(let source, let target):
            try move(source, to: target)
        case .contents(let source, let target):
            guard try Folder.kind(source) == .directory else { return }
            // What was being removed after it had been copied: its move is finished.
            let entries = Set(try Folder.names(source).compactMap { FolderMove.nameBeforeLeaving($0) ?? ($0.hasPrefix(".") ? nil : $0) })
            for name in entries.sorted() {
                try move(Directory.joined(source, name), to: target.isEmpty ? name : target + "/" + name)
            }
        case .text(let text, let target):
            try AtomicFile.write(text, to: try inside(target))
        }
    }

    private func move(_ source: String, to target: String) throws {
        do { try FolderMove.move(source, to: try inside(target)) } catch let error as FileError {
            let parts = target.split(separator: "/").map(String.init), portable = parts.map { ResultName.portable($0) ?? $0 }
            guard ResultName.isRefused(error.code), parts != portable else { throw error }
            try FolderMove.move(source, to: try inside(portable.joined(separator: "/")))
        }
    }

    /// A place in the hidden folder whose own folder exists.
    private func inside(_ relative: String) throws -> String {
        let path = Directory.joined(partial, relative)
        try make(Directory.parent(of: path))
        return path
    }

    /// Makes a folder, unless it is there. Others may write in the outbox: what goes into a link of theirs goes where they want.
    private func make(_ path: String) throws(FileError) {
        try Directory.create(path)
        guard Folder.isDirectory(path) else { throw FileError("publish in", path, reason: "it is a link", remedy: "Remove it; the result waits until then") }
    }
}
