import Files
import Foundation

/// What lies in a tree, without the contents: two equal snapshots some time apart mean that nobody has written
/// in between. Inodes do not count: mergerfs makes those of folders of their paths, and sshfs gives others with the next look.
public struct FolderSnapshot: Equatable, Sendable {
    public struct Entry: Equatable, Sendable {
        /// The bytes of its name, after those of the folders that it lies in.
        public var path: [CChar]
        public var mode: UInt32
        public var size: Int64
        /// Time of the last change of the contents: seconds, and nanoseconds in that second. Not every time that a file may have would
        /// go into one number.
        public var modified: Int, modifiedNanoseconds: Int
        /// The same of a file's last change of any kind; 0 for a folder, and for what was asked for itself, which a move changes.
        public var changed: Int, changedNanoseconds: Int
    }

    /// Everything below the folder, by path. The folder's own times do not count: moving it changes them.
    public private(set) var entries: [Entry] = []

    /// Bytes of all files together. Two that are mostly holes may have more than a number can say; it is the largest then.
    public var size: Int {
        entries.reduce(0) { sum, entry in
            let (next, isTooLarge) = sum.addingReportingOverflow(Int(entry.size))
            return isTooLarge ? .max : next
        }
    }

    /// - Throws: where a folder cannot be read, or something in it not be looked at. What vanishes on the way is left out.
    public init(of root: String) throws(FileError) {
        try walk(RawPath(root), [])
        entries.sort { $0.path.lexicographicallyPrecedes($1.path) }
    }

    private mutating func walk(_ folder: RawPath, _ relative: [CChar]) throws(FileError) {
        if relative.isEmpty, try folder.kind() != .directory {
            try append(folder, [])
            return
        }
        let names: [[CChar]]
        do throws(FileError) { names = try folder.names() } catch {
            if error.code == ENOENT && !relative.isEmpty { return }
            throw error
        }
        for name in names {
            let path = folder.appending(name), relative = relative + [CChar(bitPattern: UInt8(ascii: "/"))] + name
            if try append(path, relative) { try walk(path, relative) }
        }
    }

    /// - Returns: whether it is a folder.
    @discardableResult
    private mutating func append(_ path: RawPath, _ relative: [CChar]) throws(FileError) -> Bool {
        guard let status = path.status else {
            if errno == ENOENT || errno == ENOTDIR { return false }
            throw FileError("look at", path.text, code: errno)
        }
        let isFolder = status.st_mode & S_IFMT == S_IFDIR, isMoved = isFolder || relative.isEmpty
        entries.append(Entry(
            path: relative, mode: status.st_mode, size: isFolder ? 0 : Int64(status.st_size),
            modified: status.st_mtim.tv_sec, modifiedNanoseconds: status.st_mtim.tv_nsec,
            changed: isMoved ? 0 : status.st_ctim.tv_sec, changedNanoseconds: isMoved ? 0 : status.st_ctim.tv_nsec))
        return isFolder
    }
}
