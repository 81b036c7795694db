import Files
import Foundation

/// Copies a tree and flushes the copy to the disk. Links are copied as links; times and permissions are kept, and what was somebody else's
/// the group may read and write as its owner could: the copy is ours, and they may be of the group.
enum TreeCopy {
    static func copy(_ source: String, to destination: String) throws(FileError) { try copy(FolderEntry(source), to: FolderEntry(destination)) }

    private static func copy(_ source: FolderEntry, to destination: FolderEntry) throws(FileError) {
        // What no path can name, nobody could open again.
        guard destination.path.bytes.count <= Int(PATH_MAX) else { throw FileError("create", destination.path.text, code: ENAMETOOLONG) }
        guard let status = source.status else { throw FileError("read", source.path.text, code: errno) }
        switch status.st_mode & S_IFMT {
        case S_IFDIR:
            let from = try source.opened()
            guard mkdirat(destination.directory, destination.name, 0o700) == 0 else { throw FileError("create", destination.path.text, code: errno) }
            let to = try destination.opened()
            for entry in try from.entries() { try copy(entry, to: to.entry(entry.name)) }
            keep(status, to.descriptor)
            // Some network file systems cannot flush a directory.
            guard fsync(to.descriptor) == 0 || errno == EINVAL || errno == ENOTSUP else { throw FileError("flush", destination.path.text, code: errno) }
        case S_IFREG:
            try copyFile(source, to: destination)
        case S_IFLNK:
            var target = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
            guard readlinkat(source.directory, source.name, &target, Int(PATH_MAX)) >= 0, symlinkat(target, destination.directory, destination.name) == 0 else {
                throw FileError("copy the link", source.path.text, code: errno)
            }
        default:
            // A pipe or a socket; a device only where this program may make one.
            guard mknodat(destination.directory, destination.name, status.st_mode, status.st_rdev) == 0 else {
                throw FileError("copy", source.path.text, reason: "it is neither a file nor a folder", remedy: "Take it out of the folder")
            }
        }
    }

    /// As much of it as there was when it was opened: what is written on meanwhile has no end.
    private static func copyFile(_ source: FolderEntry, to destination: FolderEntry) throws(FileError) {
        let input = source.open(O_RDONLY)
        guard input >= 0 else { throw FileError("read", source.path.text, code: errno) }
        defer { close(input) }
        var status = stat()
        guard fstat(input, &status) == 0 else { throw FileError("read", source.path.text, code: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw FileError("copy", source.path.text, reason: "it was replaced meanwhile", remedy: "Wait until nothing writes into the folder any more")
        }
        let output = destination.open(O_WRONLY | O_CREAT | O_EXCL, 0o600)
        guard output >= 0 else { throw FileError("write", destination.path.text, code: errno) }
        do throws(FileError) { try fill(output, destination, from: input, source, status) } catch {
            close(output)
            throw error
        }
        // Some network file systems tell only now that there was no room.
        guard close(output) == 0 || errno == EINTR else { throw FileError("write", destination.path.text, code: errno) }
    }

    private static func fill(_ output: Int32, _ destination: FolderEntry, from input: Int32, _ source: FolderEntry, _ status: stat) throws(FileError) {
        var buffer = [UInt8](repeating: 0, count: 1 << 20), rest = Int(status.st_size)
        while rest > 0 {
            let count = read(input, &buffer, min(rest, buffer.count))
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw FileError("read", source.path.text, code: errno) }
            guard count > 0 else {
                throw FileError("copy", source.path.text, reason: "it became shorter while it was copied", remedy: "Wait until nothing writes into the folder any more")
            }
            rest -= count
            var done = 0
            while done < count {
                let written = buffer.withUnsafeBytes { write(output, $0.baseAddress! + done, count - done) }
                if written < 0 && errno == EINTR { continue }
                guard written >= 0 else { throw FileError("write", destination.path.text, code: errno) }
                done += written
            }
        }
        keep(status, output)
        guard fsync(output) == 0 else { throw FileError("flush", destination.path.text, code: errno) }
    }

    /// Gives a copy the permissions and times of what it is a copy of; one without them is still a copy. Some file systems know no modes,
    /// and where systemd's RestrictSUIDSGID= is in force the bits set-user-ID and set-group-ID are refused.
    private static func keep(_ status: stat, _ copy: Int32) {
        var mode = status.st_mode & 0o7777
        if status.st_uid != geteuid() { mode |= (mode & 0o700) >> 3 }
        if fchmod(copy, mode) != 0, mode & 0o777 != mode { _ = fchmod(copy, mode & 0o777) }
        _ = [status.st_atim, status.st_mtim].withUnsafeBufferPointer { futimens(copy, $0.baseAddress) }
    }
}
