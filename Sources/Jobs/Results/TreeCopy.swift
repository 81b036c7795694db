import Files
import Foundation

/// Copies a tree and flushes the copy to the disk. Links are copied as links; times and permissions are kept, and what was somebody else's
/// the group may read and write as its owner could: the copy is ours, and they may be of the group.
enum TreeCopy {
    static func copy(_ source: String, to destination: String) throws(FileError) { try copy(RawPath(source), to: RawPath(destination)) }

    private static func copy(_ source: RawPath, to destination: RawPath) throws(FileError) {
        guard let status = source.status else { throw FileError("read", source.text, code: errno) }
        switch status.st_mode & S_IFMT {
        case S_IFDIR:
            guard mkdir(destination.bytes, 0o700) == 0 else { throw FileError("create", destination.text, code: errno) }
            for name in try source.names() { try copy(source.appending(name), to: destination.appending(name)) }
            setMode(of: status) { chmod(destination.bytes, $0) }
            setTimes(destination, status)
            try flush(destination)
        case S_IFREG:
            try copyFile(source, to: destination, status)
        case S_IFLNK:
            var target = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
            guard readlink(source.bytes, &target, Int(PATH_MAX)) >= 0, symlink(target, destination.bytes) == 0 else { throw FileError("copy the link", source.text, code: errno) }
        default:
            // A pipe or a socket; a device only where this program may make one.
            guard mknod(destination.bytes, status.st_mode, status.st_rdev) == 0 else {
                throw FileError("copy", source.text, reason: "it is neither a file nor a folder", remedy: "Take it out of the folder")
            }
        }
    }

    private static func copyFile(_ source: RawPath, to destination: RawPath, _ status: stat) throws(FileError) {
        let input = open(source.bytes, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard input >= 0 else { throw FileError("read", source.text, code: errno) }
        defer { close(input) }
        let output = open(destination.bytes, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard output >= 0 else { throw FileError("write", destination.text, code: errno) }
        defer { close(output) }
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(input, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw FileError("read", source.text, code: errno) }
            if count == 0 { break }
            var done = 0
            while done < count {
                let written = buffer.withUnsafeBytes { write(output, $0.baseAddress! + done, count - done) }
                if written < 0 && errno == EINTR { continue }
                guard written >= 0 else { throw FileError("write", destination.text, code: errno) }
                done += written
            }
        }
        setMode(of: status) { fchmod(output, $0) }
        guard fsync(output) == 0 else { throw FileError("flush", destination.text, code: errno) }
        setTimes(destination, status)
    }

    /// Some file systems know no modes, and where systemd's RestrictSUIDSGID= is in force the bits set-user-ID and set-group-ID are refused.
    private static func setMode(of status: stat, _ set: (mode_t) -> Int32) {
        var mode = status.st_mode & 0o7777
        if status.st_uid != geteuid() { mode |= (mode & 0o700) >> 3 }
        if set(mode) != 0, mode & 0o777 != mode { _ = set(mode & 0o777) }
    }

    /// As `Directory.flush`, by the name that the disk has.
    private static func flush(_ path: RawPath) throws(FileError) {
        let descriptor = open(path.bytes, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError("flush", path.text, code: errno) }
        defer { close(descriptor) }
        // Some network file systems cannot flush a directory.
        guard fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP else { throw FileError("flush", path.text, code: errno) }
    }

    private static func setTimes(_ path: RawPath, _ status: stat) {
        // A copy with other times is still a copy.
        _ = [status.st_atim, status.st_mtim].withUnsafeBufferPointer { utimensat(AT_FDCWD, path.bytes, $0.baseAddress, AT_SYMLINK_NOFOLLOW) }
    }
}
