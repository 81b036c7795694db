import Files
import Foundation

/// An ordinary file of a job, opened: what is told of it and what is sent of it is of this one, whatever takes its name meanwhile.
final class OpenedFile: Sendable {
    private let descriptor: Int32
    /// Where it lies; no link is on the way.
    let path: String
    /// In bytes, when it was opened.
    let size: Int
    let device: dev_t, inode: ino_t
    /// Differs where the file is another, or was changed since.
    let tag: String

    /// The file that `relative` leads to; nil where that is no ordinary file, is a link, is hidden, or lies outside of `folder`; nor may
    /// there be a link on the way from `above` to `folder`.
    init?(_ relative: String, in folder: String, below above: String) {
        let pieces = relative.split(separator: "/", omittingEmptySubsequences: false)
        guard !pieces.isEmpty, pieces.allSatisfy({ !$0.isEmpty && !$0.hasPrefix(".") && !$0.contains("\0") }) else { return nil }
        guard let root = Directory.resolved(folder), let top = Directory.resolved(above), root == top + folder.dropFirst(above.count) else { return nil }
        let descriptor = open(folder + "/" + relative, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        let path = root + "/" + relative
        var status = stat()
        // What a path leads to may be another thing at every look; this is where the opened file is.
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, RawPath("/proc/self/fd/\(descriptor)").target?.text == path else {
            close(descriptor)
            return nil
        }
        (self.descriptor, self.path, size) = (descriptor, path, Int(status.st_size))
        (device, inode) = (status.st_dev, status.st_ino)
        tag = "\"\(status.st_ino)-\(status.st_size)-\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)\""
    }

    deinit { close(descriptor) }

    /// The bytes from `offset` on, at most `count`; fewer only at its end.
    /// - Throws: `FileError`.
    func bytes(from offset: Int, _ count: Int) throws(FileError) -> [UInt8] {
        var filled = 0, code: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            while filled < count {
                let more = pread(descriptor, buffer.baseAddress! + filled, count - filled, off_t(offset + filled))
                if more < 0, errno == EINTR { continue }
                if more < 0 { code = errno }
                if more <= 0 { break }
                filled += more
            }
            initialized = filled
        }
        guard code == 0 else { throw FileError("read", path, code: code) }
        return bytes
    }
}
