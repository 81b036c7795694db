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
    public static func move(_ source: String, to destination: String) throws(FileError) -> Bool { try Move(source, to: destination).run() }

    /// Whether a source is whole in its copy, so that what is left of it under its last, hidden name may go.
    /// - Throws: `FileError` where that cannot be found out.
    public static func hasArrived(_ source: String, at destination: String) throws(FileError) -> Bool { try Move(source, to: destination).hasArrived() }

    /// Whether a move to `destination` was begun and has not come to its end: then it is called again.
    /// - Throws: `FileError` where that cannot be found out.
    public static func isUnfinished(at destination: String) throws(FileError) -> Bool { try Folder.isThere(hidden(destination, Suffix.mark)) }

    /// The name of what such a move brings there, in the folder that it comes from; nil where there is none.
    /// - Throws: `FileError` where that cannot be found out.
    public static func sourceName(ofUnfinishedAt destination: String) throws(FileError) -> String? {
        let mark = hidden(destination, Suffix.mark)
        guard try Folder.kind(mark) == .file, let text = try Folder.contents(of: mark, limit: 1 << 16) else { return nil }
        return String(decoding: text, as: UTF8.self).dropLast(1).split(separator: "/").last.map(String.init)
    }

    /// Removes what moves into a folder have left there when they were broken off before anything of them could be seen: half copies, and
    /// marks. Only for a folder with which all moves that had gone further have been finished.
    public static func removeBeginnings(in folder: String) throws(FileError) {
        for entry in try Folder.names(folder) where isHidden(entry, Suffix.copy, Suffix.mark) { try Directory.removeTree(Directory.joined(folder, entry)) }
    }

    /// The name of a source that is found under its last, hidden one; nil for every other entry.
    public static func nameBeforeLeaving(_ entry: String) -> String? {
        isHidden(entry, Suffix.leaving) ? String(entry.dropFirst().dropLast(Suffix.leaving.count)) : nil
    }

    /// Whether an entry is what a move has left beside one of its places: a file that somebody has open cannot be removed from a share.
    public static func isLeftover(_ entry: String) -> Bool { isHidden(entry, Suffix.leaving, Suffix.mark, Suffix.copy) }

    /// How the hidden names end that a move has beside its two places.
    private enum Suffix {
        static let copy = ".copy", mark = ".moved", leaving = ".leaving"
    }

    private static func isHidden(_ entry: String, _ suffixes: String...) -> Bool { entry.hasPrefix(".") && suffixes.contains { entry.hasSuffix($0) } }

    /// A hidden name beside `path`; that of a long one is cut so that the file system takes the whole.
    private static func hidden(_ path: String, _ suffix: String) -> String {
        let folder = Directory.parent(of: path), name = path.split(separator: "/").last.map(String.init) ?? path
        return Directory.joined(folder, ".\(ResultName.shortened(name, in: folder))\(suffix)")
    }

    /// One move with its hidden names.
    struct Move {
        private let source, destination: String
        /// That of the source once it is whole in its new place and about to be removed.
        private let leaving: String
        /// A file that says that the destination is this source's copy: without it, a folder of that name is a stranger's.
        private let mark: String

        init(_ source: String, to destination: String) {
            (self.source, self.destination) = (source, destination)
            leaving = hidden(source, Suffix.leaving)
            mark = hidden(destination, Suffix.mark)
        }

        func run() throws(FileError) -> Bool {
            let isMarked = try Folder.isThere(mark)
            guard try Folder.isThere(source) else {
                if isMarked { try finish() }
                return false
            }
            if try Folder.isThere(destination) {
                // A copy whose source has not gone yet; everything else is a name that is taken.
                guard isMarked else { throw FileError("move \(source) to", destination, code: EEXIST) }
                switch try remainder(source) {
                case .same: try hide()
                // It was changed before it was hidden: copied anew.
                case .whole: try Directory.removeTree(destination)
                // Its removal has begun under its own name.
                case .rest: try Directory.removeTree(source)
                case .other: throw conflict(source)
                }
                if try Folder.isThere(destination) {
                    try finish()
                    return true
                }
            }
            // A mark stays until the move is done: a share may not show yet what an earlier call has brought.
            if isMarked, try Folder.lists(destination) { throw late }
            if Directory.renameWithoutReplacing(source, destination) {
                try Directory.flush(Directory.parent(of: destination))
                if Directory.parent(of: source) != Directory.parent(of: destination) { try Directory.flush(Directory.parent(of: source)) }
                try Directory.removeTree(mark)
                return true
            }
            guard errno == EXDEV else { throw FileError("move \(source) to", destination, code: errno) }
            try across()
            return true
        }

        /// The way across file systems; separate so that it can be tested on one.
        func across() throws(FileError) {
            let copy = hidden(destination, Suffix.copy), wasMarked = try Folder.isThere(mark)
            try Directory.removeTree(copy)
            let before = try FolderSnapshot(of: source)
            do throws(FileError) { try TreeCopy.copy(source, to: copy) } catch {
                // On a full disk it would take the room that smaller results need.
                try? Directory.removeTree(copy)
                throw error
            }
            guard try FolderSnapshot(of: source) == before else {
                try Directory.removeTree(copy)
                throw changed
            }
            do { try AtomicFile.write(source + "\n", to: mark) } catch { throw error as? FileError ?? FileError("write", mark, code: EIO) }
            guard Directory.renameWithoutReplacing(copy, destination) else {
                let error = FileError("move \(source) to", destination, code: errno)
                // A share may have done it and not been able to say so, or have been asked twice: with the mark it is finished next time.
                guard FileError.isRefusal(error.code), error.code != ENOENT else { throw error }
                try? Directory.removeTree(copy)
                if wasMarked, [EEXIST, ENOTEMPTY].contains(error.code) { throw late }
                try? Directory.removeTree(mark)
                throw error
            }
            try Directory.flush(Directory.parent(of: destination))
            // Out of everybody's sight first, then one more look: nothing that arrives late is removed.
            try hide()
            guard try FolderSnapshot(of: leaving) == before else { throw try putBack() }
            try Directory.removeTree(leaving)
            try Directory.removeTree(mark)
        }

        /// Removes what is left of the source under its last, hidden name, or gives it its own name back where it was changed.
        private func finish() throws(FileError) {
            switch try remainder(leaving) {
            case .same, .rest: try Directory.removeTree(leaving)
            case .whole: throw try putBack()
            case .other: throw conflict(leaving)
            }
            try Directory.removeTree(mark)
        }

        private func hide() throws(FileError) {
            if try Folder.isThere(leaving) {
                // Of an earlier move of the same.
                guard try hasArrived() else { throw conflict(leaving) }
                try Directory.removeTree(leaving)
            }
            if Directory.renameWithoutReplacing(source, leaving) { return }
            let error = FileError("remove", source, code: errno)
            // A share may have done it and not been able to say so.
            guard try !Folder.isThere(source), try Folder.isThere(leaving) else { throw error }
        }

        func hasArrived() throws(FileError) -> Bool { [.same, .rest].contains(try remainder(leaving)) }

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

        /// - Parameter source: under its own name or its last, hidden one.
        private func remainder(_ source: String) throws(FileError) -> Remainder {
            let source = RawPath(source), copy = RawPath(destination)
            let isMissing = try !TreeComparison.hasNames(of: copy, source)
            if try TreeComparison.holds(copy, source) { return isMissing ? .rest : .same }
            return isMissing ? .other : .whole
        }

        private func conflict(_ source: String) -> FileError {
            FileError(
                "finish moving", source, reason: "it is no longer what was copied to \(destination), and no longer whole",
                remedy: "Put what is still needed of it elsewhere, and remove it")
        }

        /// Undoes the move where the source was changed at the last moment.
        /// - Returns: what is to be said of it.
        /// - Throws: `FileError` where the source cannot have its name back; its copy stays then, and the next call goes on.
        private func putBack() throws(FileError) -> FileError {
            guard Directory.renameWithoutReplacing(leaving, source) else { throw FileError("move \(leaving) back to", source, code: errno) }
            try Directory.removeTree(destination)
            try Directory.removeTree(mark)
            return changed
        }

        private var late: FileError {
            FileError("move \(source) to", destination, reason: "what was brought there before, the share does not show yet", remedy: "It is gone on with later")
        }

        private var changed: FileError {
            FileError("move", source, reason: "it was changed while it was copied", remedy: "Wait until nothing writes into it any more")
        }
    }
}
