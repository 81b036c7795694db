import Foundation

/// What must be known of directories to publish in them.
public enum Directory {
    /// The directory that holds `path`; `.` for a bare name.
    public static func parent(of path: String) -> String {
        var rest = Substring(path)
        while rest.count > 1 && rest.hasSuffix("/") { rest.removeLast() }
        guard let slash = rest.lastIndex(of: "/") else { return "." }
        return slash == rest.startIndex ? "/" : String(rest[..<slash])
    }

    /// `directory/name`.
    public static func joined(_ directory: String, _ name: String) -> String {
        directory.hasSuffix("/") ? directory + name : directory + "/" + name
    }

    /// Makes a directory and those above it, unless it is there; a link to a directory will do.
    /// - Throws: `FileError`.
    public static func create(_ path: String) throws(FileError) {
        if mkdir(path, 0o777) == 0 { return }
        var code = errno
        let above = parent(of: path)
        if code == ENOENT, above != path, above != "." {
            try create(above)
            if mkdir(path, 0o777) == 0 { return }
            code = errno
        }
        var status = stat()
        if code == EEXIST {
            if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { return }
            code = ENOTDIR
        }
        throw FileError("make the folder", path, code: code)
    }

    /// Flushes the directory's own entries to the disk, so that what was created or renamed in it survives a crash.
    /// - Throws: `FileError`.
    public static func flush(_ path: String) throws {
        try flush(path, flags: O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    }

    /// Flushes everything below `path`: files first, then the directories that name them, `path` itself last.
    /// Symbolic links are not followed.
    /// - Throws: `FileError`.
    public static func flushTree(_ path: String) throws {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: path)
        } catch {
            throw FileError("read", path, code: errno == 0 ? EIO : errno)
        }
        for name in names {
            let entry = joined(path, name)
            var status = stat()
            guard lstat(entry, &status) == 0 else { throw FileError("read", entry, code: errno) }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: try flushTree(entry)
            case S_IFREG: try flush(entry, flags: O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
            default: break
            }
        }
        try flush(path)
    }

    private static func flush(_ path: String, flags: Int32) throws {
        let descriptor = open(path, flags)
        guard descriptor >= 0 else { throw FileError("flush", path, code: errno) }
        defer { close(descriptor) }
        while fsync(descriptor) != 0 {
            if errno == EINTR { continue }
            // Some network file systems cannot flush a directory; they order its entries themselves.
            if errno == EINVAL || errno == ENOTSUP { return }
            throw FileError("flush", path, code: errno)
        }
    }
}
