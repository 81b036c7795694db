import Files
import Foundation
import Jobs

/// Keeps a second daemon away from a state directory. The system releases it with the process, however it ends.
public final class StateLock: Sendable {
    private let descriptor: Int32

    /// - Throws: `Fault` where another daemon holds it, `FileError` where it cannot be had at all.
    public init(_ state: StateDirectory) throws {
        let path = Directory.joined(state.path, "lock")
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileError("open", path, code: errno) }
        guard Self.lock(descriptor) else {
            let code = errno
            var buffer = [UInt8](repeating: 0, count: 32)
            let count = max(0, read(descriptor, &buffer, buffer.count))
            close(descriptor)
            guard code == EWOULDBLOCK else { throw FileError("lock", path, code: code) }
            let pid = String(decoding: buffer[..<count], as: UTF8.self).filter(\.isNumber)
            throw Fault("another segmixd\(pid.isEmpty ? "" : " (process \(pid))") works with the state directory \(state.path); stop it, or give this one another `state`")
        }
        ftruncate(descriptor, 0)
        let text = Array("\(getpid())\n".utf8)
        _ = pwrite(descriptor, text, text.count, 0)
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Who only asks whether somebody has it holds it for a moment.
    private static func lock(_ descriptor: Int32) -> Bool {
        for _ in 0..<10 {
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return true }
            guard errno == EWOULDBLOCK else { return false }
            usleep(100_000)
        }
        return flock(descriptor, LOCK_EX | LOCK_NB) == 0
    }

    /// Whether some daemon works with the state directory at this moment.
    public static func isHeld(_ state: StateDirectory) -> Bool {
        let descriptor = open(Directory.joined(state.path, "lock"), O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        // A shared lock, so that two who ask do not take each other for a daemon.
        return flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }
}
