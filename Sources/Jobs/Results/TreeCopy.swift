import Files
import Foundation

/// Copies a tree and flushes the copy to the disk. Links are copied as links; times and permissions are kept.
enum TreeCopy {
    static func copy(_ source: String, to destination: String) throws(FileError) {
        var status = stat()
        guard lstat(source, &status) == 0 else { throw FileError("read", source, code: errno) }
        switch status.st_mode & S_IFMT {
        case S_IFDIR:
            guard mkdir(destination, 0o700) == 0 else { throw FileError("create", destination, code: errno) }
            for name in try Folder.names(source) { try copy(Directory.joined(source, name), to: Directory.joined(destination, name)) }
            chmod(destination, status.st_mode & 0o7777)
            setTimes(destination, status)
            try FolderMove.flush(destination)
        case S_IFREG:
            try copyFile(source, to: destination, status)
        case S_IFLNK:
            var target = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
            guard readlink(source, &target, Int(PATH_MAX)) >= 0, symlink(target, destination) == 0 else { throw FileError("copy the link", source, code: errno) }
        default:
            throw FileError("copy", source, reason: "it is neither a file nor a folder", remedy: "Take it out of the folder")
        }
    }

    private static func copyFile(_ source: String, to destination: String, _ status: stat) throws(FileError) {
        let input = open(source, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard input >= 0 else { throw FileError("read", source, code: errno) }
        defer { close(input) }
        let output = open(destination, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard output >= 0 else { throw FileError("write", destination, code: errno) }
        defer { close(output) }
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(input, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw FileError("read", source, code: errno) }
            if count == 0 { break }
            var done = 0
            while done < count {
                let written = buffer.withUnsafeBytes { write(output, $0.baseAddress! + done, count - done) }
                if written < 0 && errno == EINTR { continue }
                guard written >= 0 else { throw FileError("write", destination, code: errno) }
                done += written
            }
        }
        fchmod(output, status.st_mode & 0o7777)
        guard fsync(output) == 0 else { throw FileError("flush", destination, code: errno) }
        setTimes(destination, status)
    }

    private static func setTimes(_ path: String, _ status: stat) {
        // A copy with other times is still a copy.
        _ = [status.st_atim, status.st_mtim].withUnsafeBufferPointer { utimensat(AT_FDCWD, path, $0.baseAddress, AT_SYMLINK_NOFOLLOW) }
    }
}
