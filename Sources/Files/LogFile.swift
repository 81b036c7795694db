import Foundation

/// A log: lines that are appended to what is there.
public final class LogFile: Sendable {
    public let path: String
    /// For a program that writes into it itself.
    public let descriptor: Int32

    /// Opens the log, or makes it in a folder that is there.
    /// - Throws: `FileError`, also where something else than an ordinary file lies there.
    public init(_ path: String) throws(FileError) {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o644)
        let code = errno
        var status = stat()
        guard descriptor >= 0, fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            if descriptor >= 0 { close(descriptor) }
            if descriptor < 0, !Folder.exists(path) || Folder.isFile(path) { throw FileError("write", path, code: code) }
            throw FileError("write", path, reason: "it is no ordinary file", remedy: "Remove it")
        }
    }

    deinit { close(descriptor) }

    /// In bytes.
    public var size: Int {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
    }

    /// A log on a full disk is no reason to stop a job: then the line is left out.
    public func write(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = Foundation.write(descriptor, bytes, bytes.count)
    }
}
