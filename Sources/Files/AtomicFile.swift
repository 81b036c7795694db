import Foundation

/// Writes a file so that nothing half-written is ever visible under its name: the bytes go to a hidden temporary in
/// the same directory, which is flushed to the disk (fsync) and renamed; then the directory is flushed too. A crash
/// at any moment leaves either the old file or the new one. On failure the temporary is removed.
public enum AtomicFile {
    /// Replaces the file at `path` by `data`.
    /// - Parameter mode: its rights, less the umask.
    /// - Throws: `FileError`.
    public static func write(_ data: Data, to path: String, mode: mode_t = 0o666) throws {
        try write(to: path, mode: mode) { try $0.write(data) }
    }

    /// Replaces the file at `path` by `text` in UTF-8.
    /// - Throws: `FileError`.
    public static func write(_ text: String, to path: String) throws {
        try write(to: path) { try $0.write(text) }
    }

    /// Removes from `folder` the temporaries of processes that were killed while they wrote. Only for a folder that
    /// nobody else writes into.
    /// - Throws: `FileError`.
    public static func removeLeftovers(in folder: String) throws(FileError) {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
            throw FileError("read", folder, code: errno == 0 ? EIO : errno)
        }
        for name in names where TemporaryName.matches(name, suffix: "tmp") {
            let path = Directory.joined(folder, name)
            guard unlink(path) == 0 || errno == ENOENT else { throw FileError("remove", path, code: errno) }
        }
    }

    /// Replaces the file at `path` by what `body` writes, piece by piece. If `body` throws, nothing has changed.
    /// - Throws: `FileError`, also where `path` is a device, a pipe or a socket, which must not be replaced; and what `body` throws.
    public static func write<Result>(to path: String, mode: mode_t = 0o666, _ body: (FileOutput) throws -> Result) throws -> Result {
        var old = stat()
        if stat(path, &old) == 0, ![S_IFREG, S_IFDIR].contains(old.st_mode & S_IFMT) {
            throw FileError("write", path, reason: "it is a device, a pipe or a socket, and a file is wanted", remedy: "Name a file")
        }
        let temporary = TemporaryName.beside(path, suffix: "tmp")
        let output = try FileOutput(creating: temporary, for: path, mode: mode)
        var done = false
        defer {
            if !done {
                output.abandon()
                unlink(temporary)
            }
        }
        let result = try body(output)
        try output.finish()
        guard rename(temporary, path) == 0 else { throw FileError("write", path, code: errno) }
        done = true
        try Directory.flush(Directory.parent(of: path))
        return result
    }
}
