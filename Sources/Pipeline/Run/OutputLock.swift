import Files
import Foundation
import Jobs

/// Keeps an output directory for one process, as long as this object lives. It is a lock of the directory itself, so that nothing of it
/// is ever left over.
final class OutputLock {
    private let descriptor: Int32

    /// Makes the directory where there is none.
    ///
    /// - Throws: `JobFailure` where another program works in it, `FileError` where it cannot be made.
    init(_ path: String) throws {
        try Directory.create(path)
        descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError("open", path, code: errno) }
        // Some network file systems lock no directories; there is no lock there then.
        guard flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK else { return }
        throw JobFailure(.inputOutput, "another segmix works in \(path); wait for its end, or give another --output")
    }

    deinit { close(descriptor) }
}
