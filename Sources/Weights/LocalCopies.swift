import CFiles
import Crypto
import Files
import Foundation
import Synchronization

/// Copies, on this machine's disk, of model files that lie on others: a mapped file on a network share is read page by
/// page, many times slower than from its first byte to its last, and again whenever memory is short.
///
/// A copy is called after the original's path, size and time, so a changed original is another file. Both are hashed while
/// the copy is made. The copies together stay below a limit; those that were not used for longest go first. The original is
/// mapped where there is no room, nothing may be written or the copy cannot be read, and where its share keeps no times: there
/// another model of the same size would never be seen.
public struct LocalCopies: Sendable {
    let directory: String
    let limit: Int, reserve: Int
    let isRemote: @Sendable (String) -> Bool

    /// - Parameters:
    ///   - directory: made when the first copy is.
    ///   - limit: bytes of all copies together
    ///   - reserve: bytes that stay free on that disk
    public init(directory: String, limit: Int, reserve: Int, isRemote: @escaping @Sendable (String) -> Bool = { FileSystemKind(of: $0) == .network }) {
        (self.directory, self.limit, self.reserve, self.isRemote) = (directory, limit, reserve, isRemote)
    }

    private static let current = Mutex<LocalCopies?>(nil)

    /// From now on files are opened through `copies`; nil: where they are.
    public static func use(_ copies: LocalCopies?) { current.withLock { $0 = copies } }

    /// What is opened for a file: itself, or its copy.
    struct Place: Sendable {
        let path: String
        /// What it is a copy of.
        var original: String?

        /// What is said of a file that is not as it was when it was opened.
        func lost(_ reason: String) -> FileError {
            let remedy = original.map { "It is this machine's copy of \($0.onOneLine()): it is removed. Check the disk, then run the job again" }
            return FileError("read", path, reason: reason, remedy: remedy ?? "Put the whole file back and leave it alone while jobs run, then run the job again")
        }
    }

    /// What to map of the file at `path`.
    /// - Throws: `FileError` where the original cannot be read or changes meanwhile.
    static func place(for path: String) throws -> Place {
        guard let copies = current.withLock({ $0 }), copies.isRemote(path), let copy = try copies.copy(of: path) else { return Place(path: path) }
        return Place(path: copy, original: path)
    }

    /// The suffix of a copy that nobody has looked through yet.
    private static let unverified = ".new"

    /// - Returns: nil where the original should be used.
    func copy(of path: String) throws -> String? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size > 0 else { return nil }
        let size = Int(status.st_size)
        guard size <= limit, status.st_mtim.tv_sec != 0 || status.st_mtim.tv_nsec != 0 else { return nil }
        let identity = hexadecimal(SHA256.hash(data: Data(path.utf8))).prefix(16)
        let copy = Directory.joined(directory, "\(identity)-\(size)-\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec).copy")
        var known = stat()
        if stat(copy, &known) == 0, known.st_size == status.st_size, access(copy, R_OK) == 0 {
            cfiles_note_use(copy)
            return copy
        }
        do {
            guard makeDirectory(), makeRoom(for: size, instead: identity + "-") else { return nil }
            // Another process may be copying the same file.
            let new = "\(copy).\(getpid())\(Self.unverified)"
            try write(path, to: new, size: size, modified: status.st_mtim)
            guard rename(new, copy) == 0 else { throw FileError("write", copy, code: errno) }
            try Directory.flush(directory)
            return copy
        } catch let error as FileError where error.path.hasPrefix(directory) && error.code != 0 {
            return nil
        }
    }

    /// Copies are made by the one whose directory it is, or is to be: of another's they would be in the way of its own.
    private func makeDirectory() -> Bool {
        var above = directory, status = stat()
        while stat(above, &status) != 0, errno == ENOENT, above != "/", above != "." { above = Directory.parent(of: above) }
        guard status.st_uid == geteuid() else { return false }
        return (try? Directory.create(directory, mode: 0o755)) != nil
    }

    private func write(_ path: String, to copy: String, size: Int, modified: timespec) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError("read", path, code: errno) }
        defer { close(descriptor) }
        posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
        var wanted = SHA256(), count = 0
        try AtomicFile.write(to: copy) { output in
            count = try Self.pieces(of: descriptor, path) {
                wanted.update(bufferPointer: $0)
                try output.write($0)
            }
            var status = stat()
            guard fstat(descriptor, &status) == 0 else { throw FileError("read", path, code: errno) }
            guard count == size, Int(status.st_size) == size, status.st_mtim.tv_sec == modified.tv_sec, status.st_mtim.tv_nsec == modified.tv_nsec else {
                throw FileError(
                    "read", path, reason: "it was changed while it was copied to this machine", remedy: "Wait until the model is there whole, then run the job again")
            }
        }
        var isGood = false
        defer { if !isGood { unlink(copy) } }
        // All may use it, whatever the umask is.
        chmod(copy, 0o644)
        let written = open(copy, O_RDONLY | O_CLOEXEC)
        guard written >= 0 else { throw FileError("read", copy, code: errno) }
        defer { close(written) }
        var found = SHA256()
        _ = try Self.pieces(of: written, copy) { found.update(bufferPointer: $0) }
        isGood = Array(found.finalize()) == Array(wanted.finalize())
        guard isGood else {
            throw FileError("copy", path, reason: "its copy \(copy) differs from it", remedy: "Check the disk, then run the job again")
        }
    }

    /// In seconds: somebody who copies writes all the time, or reads what was written.
    private static let longestSilence = 6 * 3600

    /// Gives `body` an open file from its first byte on, piece by piece. Nobody else who reads through the descriptor is moved by it.
    /// - Returns: how many bytes there were.
    static func pieces(of descriptor: Int32, _ path: String, _ body: (UnsafeRawBufferPointer) throws -> Void) throws -> Int {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4 << 20, alignment: 64)
        defer { buffer.deallocate() }
        var total = 0
        while true {
            let count = pread(descriptor, buffer.baseAddress!, buffer.count, off_t(total))
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw FileError("read", path, code: errno) }
            if count == 0 { return total }
            try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            total += count
        }
    }

    /// Removes older copies of the same file, what copying left that was broken off, and then the longest unused copies, as far as it
    /// takes; none where all of them would not be enough. A copy that another process has mapped stays whole for that process.
    private func makeRoom(for size: Int, instead prefix: String) -> Bool {
        var copies: [(path: String, size: Int, used: timespec)] = []
        for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] {
            let path = Directory.joined(directory, name)
            var status = stat()
            guard stat(path, &status) == 0 else { continue }
            if name.hasSuffix(".copy") {
                if name.hasPrefix(prefix) { unlink(path) } else { copies.append((path, Int(status.st_size), status.st_atim)) }
            } else if name.hasSuffix(".tmp") || name.hasSuffix(Self.unverified), time(nil) - status.st_mtim.tv_sec > Self.longestSilence {
                unlink(path)
            }
        }
        copies.sort { ($0.used.tv_sec, $0.used.tv_nsec) < ($1.used.tv_sec, $1.used.tv_nsec) }
        var total = copies.reduce(size) { $0 + $1.size }
        while true {
            guard let free = Directory.freeBytes(at: directory) else { return false }
            if total <= limit && free - reserve >= size { return true }
            guard free + copies.reduce(0, { $0 + $1.size }) - reserve >= size, let oldest = copies.first else { return false }
            unlink(oldest.path)
            total -= oldest.size
            copies.removeFirst()
        }
    }
}
