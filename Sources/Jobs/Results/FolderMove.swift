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
        let mark = copyMark(destination), isMarked = try Folder.isThere(mark)
        guard try Folder.isThere(source) else {
            if isMarked { try finish(source, destination, mark) }
            return false
        }
        if try Folder.isThere(destination) {
            // A copy whose source has not gone yet; everything else is a name that is taken.
            guard isMarked else { throw FileError("move \(source) to", destination, code: EEXIST) }
            switch try remainder(source, of: destination) {
            case .same: try hide(source, destination)
            // It was changed before it was hidden: copied anew.
            case .whole: try Directory.removeTree(destination)
            // Its removal has begun under its own name.
            case .rest: try Directory.removeTree(source)
            case .other: throw conflict(source, destination)
            }
            if try Folder.isThere(destination) {
                try finish(source, destination, mark)
                return true
            }
        }
        try Directory.removeTree(mark)
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
        try Directory.removeTree(copy)
        let before = try FolderSnapshot(of: source)
        do throws(FileError) { try TreeCopy.copy(source, to: copy) } catch {
            // On a full disk it would take the room that smaller results need.
            try? Directory.removeTree(copy)
            throw error
        }
        guard try FolderSnapshot(of: source) == before else {
            try Directory.removeTree(copy)
            throw changed(source)
        }
        // The mark says that the destination is this source's copy: without it, a folder of that name is a stranger's.
        do { try AtomicFile.write(source + "\n", to: mark) } catch { throw error as? FileError ?? FileError("write", mark, code: EIO) }
        guard Directory.renameWithoutReplacing(copy, destination) else {
            let error = FileError("move \(source) to", destination, code: errno)
            // A share may have done it and not been able to say so: with the mark it is finished next time.
            guard (try? Folder.isThere(copy)) == true else { throw error }
            try? Directory.removeTree(mark)
            try? Directory.removeTree(copy)
            throw error
        }
        try Directory.flush(Directory.parent(of: destination))
        // Out of everybody's sight first, then one more look: nothing that arrives late is removed.
        try hide(source, destination)
        guard try FolderSnapshot(of: leaving(source)) == before else { throw try putBack(source, destination, mark) }
        try Directory.removeTree(leaving(source))
        try Directory.removeTree(mark)
        return true
    }

    /// Whether a move to `destination` was begun and has not come to its end: then it is called again.
    /// - Throws: `FileError` where that cannot be found out.
    public static func isUnfinished(at destination: String) throws(FileError) -> Bool { try Folder.isThere(copyMark(destination)) }

    /// The name of what such a move brings there, in the folder that it comes from; nil where there is none.
    /// - Throws: `FileError` where that cannot be found out.
    public static func sourceName(ofUnfinishedAt destination: String) throws(FileError) -> String? {
        let mark = copyMark(destination)
        guard try Folder.kind(mark) == .file, let text = try Folder.contents(of: mark, limit: 1 << 16) else { return nil }
        return String(decoding: text, as: UTF8.self).dropLast(1).split(separator: "/").last.map(String.init)
    }

    /// Removes what moves into a folder have left there when they were broken off before anything of them could be seen: half copies, and
    /// marks. Only for a folder with which all moves that had gone further have been finished.
    public static func removeBeginnings(in folder: String) throws(FileError) {
        for entry in try Folder.names(folder) where entry.hasPrefix(".") && [".copy", ".moved"].contains(where: { entry.hasSuffix($0) }) {
            try Directory.removeTree(Directory.joined(folder, entry))
        }
    }

    /// Removes what is left of a source under its last, hidden name, or gives it its own name back where it was changed.
    private static func finish(_ source: String, _ destination: String, _ mark: String) throws(FileError) {
        switch try remainder(leaving(source), of: destination) {
        case .same, .rest: try Directory.removeTree(leaving(source))
        case .whole: throw try putBack(source, destination, mark)
        case .other: throw conflict(leaving(source), destination)
        }
        try Directory.removeTree(mark)
    }

    private static func hide(_ source: String, _ destination: String) throws(FileError) {
        let leaving = leaving(source)
        if try Folder.isThere(leaving) {
            // Of an earlier move of the same.
            guard try hasArrived(source, at: destination) else { throw conflict(leaving, destination) }
            try Directory.removeTree(leaving)
        }
        if Directory.renameWithoutReplacing(source, leaving) { return }
        let error = FileError("remove", source, code: errno)
        // A share may have done it and not been able to say so.
        guard try !Folder.isThere(source), try Folder.isThere(leaving) else { throw error }
    }

    /// Whether a source is whole in its copy, so that what is left of it under its last, hidden name may go.
    /// - Throws: `FileError` where that cannot be found out.
    public static func hasArrived(_ source: String, at destination: String) throws(FileError) -> Bool {
        [.same, .rest].contains(try remainder(leaving(source), of: destination))
    }

    /// What a source is to the copy that was made of it.
    private enum Remainder {
        /// The same.
        case same
        /// What its removal has left of it: something is missing, and nothing is new or other.
        case rest
        /// Nothing is missing, and something is new or other.
        case whole
        /// Something is missing, and something is new or other.
        case other
    }

    private static func remainder(_ source: String, of copy: String) throws(FileError) -> Remainder {
        let source = RawPath(source), copy = RawPath(copy)
        let isMissing = try !TreeComparison.hasNames(of: copy, source)
        if try TreeComparison.holds(copy, source) { return isMissing ? .rest : .same }
        return isMissing ? .other : .whole
    }

    private static func conflict(_ source: String, _ copy: String) -> FileError {
        FileError("finish moving", source, reason: "it is no longer what was copied to \(copy), and no longer whole", remedy: "Put what is still needed of it elsewhere, and remove it")
    }

    /// Undoes a move whose source was changed at the last moment.
    /// - Returns: what is to be said of it.
    /// - Throws: `FileError` where the source cannot have its name back; its copy stays then, and the next call goes on.
    private static func putBack(_ source: String, _ destination: String, _ mark: String) throws(FileError) -> FileError {
        let leaving = leaving(source)
        guard Directory.renameWithoutReplacing(leaving, source) else { throw FileError("move \(leaving) back to", source, code: errno) }
        try Directory.removeTree(destination)
        try Directory.removeTree(mark)
        return changed(source)
    }

    private static func changed(_ source: String) -> FileError {
        FileError("move", source, reason: "it was changed while it was copied", remedy: "Wait until nothing writes into it any more")
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
    public static func nameBeforeLeaving(_ entry: String) -> String? {
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
