import Files
import Foundation

/// Moves a file or a folder so that it is always whole in at least one of the two places, whatever stops the move.
///
/// On one file system this is a rename. Across file systems the tree is copied beside its destination under a hidden
/// name and flushed; where nothing of the source has changed meanwhile (names, sizes, times), the copy is renamed, the source hidden and
/// looked at once more, and only then removed. Calling it again after it was broken off finishes the work; calling it when all is done
/// does nothing.
public enum FolderMove {
    /// - Returns: false where `source` does not exist (any more).
    /// - Throws: `FileError`; where the destination holds something else, with EEXIST.
    @discardableResult
    public static func move(_ source: String, to destination: String) throws(FileError) -> Bool {
        let mark = copyMark(destination)
        guard try Folder.isThere(source) else {
            if try Folder.isThere(mark) {
                guard try hasArrived(source, at: destination) else { throw try putBack(leaving(source), source, destination, mark) }
                try removeTree(leaving(source))
            }
            try removeTree(mark)
            return false
        }
        if try Folder.isThere(destination) {
            // A copy that was finished but for the removal of its source; everything else is a name that is taken.
            guard try Folder.isThere(mark), try TreeComparison.areEqual(RawPath(source), RawPath(destination)) else {
                throw FileError("move \(source) to", destination, code: EEXIST)
            }
            try removeTree(source)
            try removeTree(mark)
            return true
        }
        if Directory.renameWithoutReplacing(source, destination) {
            try flushParents(source, destination)
            return true
        }
        guard errno == EXDEV else { throw FileError("move \(source) to", destination, code: errno) }
        return try moveAcross(source, destination, mark: mark)
    }

    /// The way across file systems; separate so that it can be tested on one.
    static func moveAcross(_ source: String, _ destination: String, mark: String? = nil) throws(FileError) -> Bool {
        let mark = mark ?? copyMark(destination)
        let copy = Directory.joined(Directory.parent(of: destination), ".\(shortName(destination)).copy")
        try removeTree(copy)
        let before = try FolderSnapshot(of: source)
        do throws(FileError) { try TreeCopy.copy(source, to: copy) } catch {
            // On a full disk it would take the room that smaller results need.
            try? removeTree(copy)
            throw error
        }
        guard try FolderSnapshot(of: source) == before else {
            try removeTree(copy)
            throw changed(source)
        }
        // The mark says that the destination is this source's copy: without it, a folder of that name is a stranger's.
        do { try AtomicFile.write(source + "\n", to: mark) } catch { throw error as? FileError ?? FileError("write", mark, code: EIO) }
        guard Directory.renameWithoutReplacing(copy, destination) else {
            let error = FileError("move \(source) to", destination, code: errno)
            // A share may have done it and not been able to say so: with the mark it is finished next time.
            guard (try? Folder.isThere(copy)) == true else { throw error }
            try? removeTree(mark)
            try? removeTree(copy)
            throw error
        }
        try Directory.flush(Directory.parent(of: destination))
        // Out of everybody's sight first, then one more look: nothing that arrives late is removed.
        let leaving = leaving(source)
        guard Directory.renameWithoutReplacing(source, leaving) else { throw FileError("remove", source, code: errno) }
        guard try FolderSnapshot(of: leaving) == before else { throw try putBack(leaving, source, destination, mark) }
        try removeTree(leaving)
        try removeTree(mark)
        return true
    }

    /// Whether what a broken-off move has left of its source under its last, hidden name may go. Where something is missing its removal has
    /// begun; else it may have been changed at the last moment and not been put back.
    /// - Throws: `FileError` where that cannot be found out.
    public static func hasArrived(_ source: String, at destination: String) throws(FileError) -> Bool {
        let rest = RawPath(leaving(source)), copy = RawPath(destination)
        guard try rest.kind() != nil, try TreeComparison.hasNames(of: copy, rest) else { return true }
        return try TreeComparison.areEqual(rest, copy)
    }

    /// Undoes a move whose source was changed at the last moment.
    /// - Returns: what is to be said of it.
    /// - Throws: `FileError` where the source cannot have its name back; its copy stays then, and the next call goes on.
    private static func putBack(_ leaving: String, _ source: String, _ destination: String, _ mark: String) throws(FileError) -> FileError {
        guard Directory.renameWithoutReplacing(leaving, source) else { throw FileError("move \(leaving) back to", source, code: errno) }
        try removeTree(destination)
        try removeTree(mark)
        return changed(source)
    }

    private static func changed(_ source: String) -> FileError {
        FileError("move", source, reason: "it was changed while it was copied", remedy: "Wait until nothing writes into it any more")
    }

    /// The first folder in a tree out of which this program may not remove something; nil where it may remove everything.
    /// - Throws: where a folder cannot be read.
    public static func obstacle(toRemoving root: String) throws(FileError) -> String? { try obstacle(RawPath(root)) }

    private static func obstacle(_ path: RawPath) throws(FileError) -> String? {
        guard let status = path.status, status.st_mode & S_IFMT == S_IFDIR else { return nil }
        guard faccessat(AT_FDCWD, path.bytes, R_OK | W_OK | X_OK, AT_EACCESS) == 0 else { return path.text }
        let own = geteuid(), isSticky = status.st_mode & S_ISVTX != 0 && own != 0 && status.st_uid != own
        for name in try path.names() {
            let child = path.appending(name)
            if isSticky, let owner = child.status?.st_uid, owner != own { return path.text }
            if let found = try obstacle(child) { return found }
        }
        return nil
    }

    /// Removes a file or a folder with everything in it, if it is there.
    public static func removeTree(_ path: String) throws(FileError) { try removeTree(FolderEntry(path)) }

    private static func removeTree(_ entry: FolderEntry) throws(FileError) {
        guard let kind = try entry.kind() else { return }
        let isFolder = kind == .directory
        if isFolder {
            for inner in try entry.opened().entries() { try removeTree(inner) }
        }
        guard unlinkat(entry.directory, entry.name, isFolder ? AT_REMOVEDIR : 0) == 0 || errno == ENOENT else { throw FileError("remove", entry.path.text, code: errno) }
    }

    /// Removes everything from a tree that is neither a folder nor an ordinary file, be it the whole: a program that writes through links
    /// and pipes of others writes where they want.
    public static func removeAllButFiles(in path: String) throws(FileError) { try removeAllButFiles(FolderEntry(path)) }

    private static func removeAllButFiles(_ entry: FolderEntry) throws(FileError) {
        switch try entry.kind() {
        case nil, .file: break
        case .directory: for inner in try entry.opened().entries() { try removeAllButFiles(inner) }
        default: try removeTree(entry)
        }
    }

    private static func flushParents(_ source: String, _ destination: String) throws(FileError) {
        try Directory.flush(Directory.parent(of: destination))
        if Directory.parent(of: source) != Directory.parent(of: destination) { try Directory.flush(Directory.parent(of: source)) }
    }

    /// The name of a source that is whole in its new place and about to be removed.
    private static func leaving(_ source: String) -> String {
        Directory.joined(Directory.parent(of: source), ".\(shortName(source)).leaving")
    }

    /// The name of a source that is found under its last, hidden one; nil for every other entry.
    static func nameBeforeLeaving(_ entry: String) -> String? {
        entry.hasPrefix(".") && entry.hasSuffix(".leaving") ? String(entry.dropFirst().dropLast(8)) : nil
    }

    /// Whether an entry is what a move has left beside one of its places: a file that somebody has open cannot be removed from a share.
    public static func isLeftover(_ entry: String) -> Bool {
        entry.hasPrefix(".") && [".leaving", ".moved", ".copy"].contains { entry.hasSuffix($0) }
    }

    private static func copyMark(_ destination: String) -> String {
        Directory.joined(Directory.parent(of: destination), ".\(shortName(destination)).moved")
    }

    /// With room for what is appended.
    private static func shortName(_ path: String) -> String {
        ResultName.shortened(path.split(separator: "/").last.map(String.init) ?? path, in: Directory.parent(of: path))
    }
}
