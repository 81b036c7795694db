import Foundation

extension Directory {
    /// Removes a file or a folder with everything in it, if it is there.
    /// - Throws: `FileError`; some of it may be gone then.
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
    /// - Throws: `FileError`.
    public static func removeAllButFiles(in path: String) throws(FileError) { try removeAllButFiles(FolderEntry(path)) }

    private static func removeAllButFiles(_ entry: FolderEntry) throws(FileError) {
        switch try entry.kind() {
        case nil, .file: break
        case .directory: for inner in try entry.opened().entries() { try removeAllButFiles(inner) }
        default: try removeTree(entry)
        }
    }

    /// The first folder in a tree out of which this program may not remove something; nil where it may remove everything.
    /// - Throws: `FileError` where a folder cannot be looked at or read.
    public static func obstacle(toRemoving root: String) throws(FileError) -> String? { try obstacle(RawPath(root)) }

    private static func obstacle(_ path: RawPath) throws(FileError) -> String? {
        guard try path.kind() == .directory, let status = path.status else { return nil }
        guard faccessat(AT_FDCWD, path.bytes, R_OK | W_OK | X_OK, AT_EACCESS) == 0 else {
            switch errno {
            case EACCES, EPERM, EROFS: return path.text
            // Somebody else has taken it meanwhile.
            case ENOENT, ENOTDIR: return nil
            default: throw FileError("look at", path.text, code: errno)
            }
        }
        let own = geteuid(), isSticky = status.st_mode & S_ISVTX != 0 && own != 0 && status.st_uid != own
        for name in try path.names() {
            let child = path.appending(name)
            if isSticky, let owner = child.status?.st_uid, owner != own { return path.text }
            if let found = try obstacle(child) { return found }
        }
        return nil
    }
}
