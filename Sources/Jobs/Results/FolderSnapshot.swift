import Files
import Foundation

/// What lies in a tree, without the contents: two equal snapshots some time apart mean that nobody has written
/// in between.
public struct FolderSnapshot: Equatable, Sendable {
    public struct Entry: Equatable, Sendable {
        public var path: String
        public var mode: UInt32
        public var size: Int64
        /// Of the last change of the contents, in nanoseconds.
        public var modified: Int64
        public var inode: UInt64
    }

    /// Everything below the folder, by path. The folder's own times do not count: moving it changes them.
    public private(set) var entries: [Entry] = []

    /// - Throws: where a folder cannot be read. What vanishes on the way is left out.
    public init(of root: String) throws(FileError) {
        try walk(root, "")
        entries.sort { $0.path < $1.path }
    }

    /// Whether this is the same tree in another place.
    func isCopy(of other: FolderSnapshot) -> Bool {
        entries.count == other.entries.count && zip(entries, other.entries).allSatisfy { a, b in
            a.path == b.path && a.mode == b.mode && a.size == b.size && (a.modified == b.modified || a.mode & S_IFMT == S_IFDIR)
        }
    }

    private mutating func walk(_ root: String, _ relative: String) throws(FileError) {
        let folder = relative.isEmpty ? root : root + "/" + relative
        if relative.isEmpty, !Folder.isDirectory(root) { return append(root, "") }
        let names: [String]
        do throws(FileError) { names = try Folder.names(folder) } catch {
            if error.code == ENOENT && !relative.isEmpty { return }
            throw error
        }
        for name in names {
            let path = relative.isEmpty ? name : relative + "/" + name
            append(root + "/" + path, path)
            if Folder.isDirectory(root + "/" + path) { try walk(root, path) }
        }
    }

    private mutating func append(_ path: String, _ relative: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        let isFolder = status.st_mode & S_IFMT == S_IFDIR
        entries.append(Entry(
            path: relative, mode: status.st_mode, size: isFolder ? 0 : Int64(status.st_size),
            modified: Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec), inode: UInt64(status.st_ino)))
    }
}
