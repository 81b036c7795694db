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
    /// - Parameter mode: the rights of those that are made, less the umask.
    /// - Throws: `FileError`.
    public static func create(_ path: String, mode: mode_t = 0o777) throws(FileError) {
        if mkdir(path, mode) == 0 { return }
        var code = errno
        let above = parent(of: path)
        if code == ENOENT, above != path, above != "." {
            try create(above, mode: mode)
            if mkdir(path, mode) == 0 { return }
            code = errno
        }
        if code == EEXIST {
            var status = stat()
            code = stat(path, &status) == 0 || errno == ENOENT ? ENOTDIR : errno
            if code == ENOTDIR, status.st_mode & S_IFMT == S_IFDIR { return }
        }
        throw FileError("make the folder", path, code: code)
    }

    /// Refuses a directory in which nothing can be made, before hours go into what is to lie there.
    /// - Throws: `FileError`.
    public static func requireWritable(_ path: String) throws(FileError) {
        guard access(path, W_OK | X_OK) == 0 else { throw FileError("write into", path, code: errno) }
        guard Folder.leadsToDirectory(path) else { throw FileError("write into", path, code: ENOTDIR) }
    }

    /// Bytes that an ordinary user may still write where `path` lies; nil where it cannot be found out.
    public static func freeBytes(at path: String) -> Int? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        return Int(clamping: UInt64(status.f_bavail) * UInt64(status.f_frsize))
    }

    /// Bytes that a name may have there; nil where it cannot be found out.
    public static func longestName(in path: String) -> Int? {
        var status = statvfs()
        guard statvfs(path, &status) == 0, status.f_namemax > 0 else { return nil }
        return Int(clamping: status.f_namemax)
    }

    /// The file of the running program.
    /// - Throws: `FileError`.
    public static func thisProgram() throws(FileError) -> String {
        guard let program = RawPath("/proc/self/exe").target else { throw FileError("find", "/proc/self/exe", code: errno) }
        return program.text
    }

    /// The path without the links in it; nil with `errno` where it leads nowhere.
    public static func resolved(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }

    /// Renames, unless something lies at `destination`; false with `errno` where it did not happen.
    ///
    /// Between look and rename nothing of worth can slip in: rename itself refuses to replace a file by a folder, or a
    /// folder that has something in it.
    public static func renameWithoutReplacing(_ source: String, _ destination: String) -> Bool {
        var status = stat()
        if lstat(destination, &status) == 0 { errno = EEXIST }
        guard errno == ENOENT else { return false }
        return rename(source, destination) == 0
    }

    /// Flushes the directory's own entries to the disk, so that what was created or renamed in it survives a crash.
    /// - Throws: `FileError`.
    public static func flush(_ path: String) throws(FileError) {
        try flush(RawPath(path), flags: O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    }

    /// Flushes everything below `path`: files first, then the directories that name them, `path` itself last.
    /// Symbolic links are not followed, and what may not be read, somebody else's, is passed over: its owner has flushed it or not.
    /// - Throws: `FileError`.
    public static func flushTree(_ path: String) throws(FileError) { try flushTree(RawPath(path)) }

    private static func flushTree(_ path: RawPath) throws(FileError) {
        for name in try path.names() {
            let entry = path.appending(name)
            guard let status = entry.status else { throw FileError("read", entry.text, code: errno) }
            do throws(FileError) {
                switch status.st_mode & S_IFMT {
                case S_IFDIR: try flushTree(entry)
                case S_IFREG: try flush(entry, flags: O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
                default: break
                }
            } catch where error.code == EACCES {}
        }
        try flush(path, flags: O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    }

    private static func flush(_ path: RawPath, flags: Int32) throws(FileError) {
        let descriptor = open(path.bytes, flags)
        guard descriptor >= 0 else { throw FileError("flush", path.text, code: errno) }
        defer { close(descriptor) }
        while fsync(descriptor) != 0 {
            if errno == EINTR { continue }
            // Some network file systems cannot flush a directory; they order its entries themselves.
            if errno == EINVAL || errno == ENOTSUP { return }
            throw FileError("flush", path.text, code: errno)
        }
    }
}
