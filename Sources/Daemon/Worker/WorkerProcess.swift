import Files
import Foundation
import Jobs
import JobStore
import Synchronization

/// A worker: a process in a group of its own, with nothing of the daemon's but its standard streams.
final class WorkerProcess: Sendable {
    /// How a process ended.
    enum End: Equatable, Sendable, CustomStringConvertible {
        case exited(Int32)
        case killed(signal: Int32)

        var description: String {
            switch self {
            case .exited(let status): "exit status \(status)"
            case .killed(let signal): "killed by signal \(signal) (\(String(cString: strsignal(signal))))"
            }
        }
    }

    let pid: pid_t
    /// Set under the lock together with the reaping: afterwards the number may be somebody else's.
    private let isReaped = Mutex(false)

    /// - Parameters:
    ///   - output: becomes its standard output.
    ///   - errors: becomes its standard error.
    init(executable: String, arguments: [String], environment: [String: String], output: Int32, errors: Int32) throws(FileError) {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, errors, 2)
        Self.keepDescriptorsToOurselves()

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        posix_spawnattr_setpgroup(&attributes, 0)
        var none = sigset_t(), all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)

        var argv: [UnsafeMutablePointer<CChar>?] = ([executable] + arguments).map { strdup($0) } + [nil]
        var envp: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in argv + envp { free(text) } }
        var pid: pid_t = 0
        let code = Self.spawning.withLock { _ in posix_spawn(&pid, executable, &actions, &attributes, &argv, &envp) }
        guard code == 0 else { throw FileError("start", executable, code: code) }
        self.pid = pid
        // Where memory runs out, the worker goes, not the daemon or what else runs on the machine.
        let score = Array("500".utf8), descriptor = open("/proc/\(pid)/oom_score_adj", O_WRONLY | O_CLOEXEC)
        if descriptor >= 0 {
            _ = write(descriptor, score, score.count)
            close(descriptor)
        }
    }

    /// No process is started while a descriptor is there that has not been marked yet.
    private static let spawning = Mutex(())

    /// A pipe of which another process inherits nothing: it would hold the writing end open after the one that writes has ended.
    static func pipe() throws(FileError) -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        let isMade = spawning.withLock { _ in
            guard Foundation.pipe(&ends) == 0 else { return false }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            return true
        }
        guard isMade else { throw FileError("create", "a pipe", code: errno) }
        return (ends[0], ends[1])
    }

    /// Marks every descriptor as not to be inherited: libinotifytools opens its own without that mark.
    private static func keepDescriptorsToOurselves() {
        for name in (try? Folder.names("/proc/self/fd")) ?? [] {
            if let descriptor = Int32(name), descriptor > 2 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        }
    }

    /// Waits on a thread of its own for the end, takes what is left of its group with it, and lets go of its number.
    func wait() async -> End {
        await withCheckedContinuation { continuation in
            let thread = Thread {
                var info = siginfo_t()
                while waitid(P_PID, id_t(self.pid), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR {}
                let end = self.isReaped.withLock { isReaped -> End in
                    // Still a zombie: neither its number nor its group's can be somebody else's.
                    Foundation.kill(-self.pid, SIGKILL)
                    var status: Int32 = 0
                    var reaped: pid_t
                    repeat { reaped = waitpid(self.pid, &status, 0) } while reaped < 0 && errno == EINTR
                    isReaped = true
                    // How it ended is not known, so it has not ended well.
                    guard reaped == self.pid else { return .exited(ExitStatus.software.rawValue) }
                    // The macros WIFSIGNALED, WTERMSIG and WEXITSTATUS.
                    let signal = status & 0x7F
                    return signal == 0 ? .exited((status >> 8) & 0xFF) : .killed(signal: signal)
                }
                continuation.resume(returning: end)
            }
            thread.name = "worker"
            thread.start()
        }
    }

    /// Waits for its end, and brings it about after `patience`.
    func wait(atMost patience: Duration) async -> End {
        let timer = Task {
            try await Task.sleep(for: patience, clock: .continuous)
            kill()
        }
        defer { timer.cancel() }
        return await wait()
    }

    /// Asks it to stop; it writes a resume point and exits with 75. One that was suspended hears it too.
    func terminate() {
        isReaped.withLock { isReaped in
            if isReaped { return }
            Foundation.kill(pid, SIGTERM)
            Foundation.kill(-pid, SIGCONT)
        }
    }

    /// Ends it and its whole group at once.
    func kill() {
        isReaped.withLock { if !$0 { Foundation.kill(-pid, SIGKILL) } }
    }

    /// Anonymous memory that it holds, in bytes: its tensors, not the mapped weights, which the system can drop. nil when it is gone.
    var anonymousMemory: Int? {
        guard let bytes = try? Folder.contents(of: "/proc/\(pid)/status", limit: 1 << 16) else { return nil }
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let text = String(decoding: line, as: UTF8.self)
            if text.hasPrefix("RssAnon:") { return Int(text.filter(\.isNumber)).map { $0 << 10 } }
        }
        return nil
    }
}
