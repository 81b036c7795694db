import Files
import Foundation
import Jobs
import JobStore
import Logging

/// Workers that a daemon left behind when it was killed. They are known by a variable of their environment that names the state
/// directory, so that none is missed whose start was not written down yet; and by where that path leads them: in a container it may be
/// another daemon's directory.
enum StrayWorkers {
    static let environmentKey = "SEGMIXD_STATE"

    /// Ends them: asks all, waits up to ten seconds, then kills. They write resume points as they go along.
    static func end(_ state: StateDirectory, logger: Logger) {
        var strays = find(state)
        if strays.isEmpty { return }
        logger.warning("Stopping \(strays.count == 1 ? "a process" : "\(strays.count) processes") that an earlier daemon left behind: \(strays.map { String($0.pid) }.joined(separator: ", "))")
        for stray in strays {
            kill(stray.pid, SIGTERM)
            kill(stray.pid, SIGCONT)
        }
        var round = 0
        while !strays.isEmpty {
            round += 1
            Thread.sleep(forTimeInterval: 0.02)
            if round >= 500 { for stray in strays where stray.isAlive { kill(stray.pid, SIGKILL) } }
            strays = strays.filter(\.isAlive)
            // What a worker has started while it was looked for.
            if strays.isEmpty { strays = find(state) }
            if round % 500 == 0 { strays = find(state) }
        }
    }

    static func find(_ state: StateDirectory) -> [WorkerIdentity] {
        let mark = Array("\(environmentKey)=\(state.path)".utf8)
        var found: [WorkerIdentity] = []
        for name in (try? Folder.names("/proc")) ?? [] {
            // Environments of other users' processes cannot be read, and are none of ours.
            guard let pid = Int32(name), pid != getpid(), let bytes = try? Folder.contents(of: "/proc/\(pid)/environ", limit: 1 << 22),
                bytes.split(separator: 0).contains(where: { $0.elementsEqual(mark) }), let identity = WorkerIdentity(pid: pid), !isElsewhere(pid, state)
            else { continue }
            found.append(identity)
        }
        return found
    }

    /// Whether the path of the state directory is known to lead a process to another one.
    private static func isElsewhere(_ pid: Int32, _ state: StateDirectory) -> Bool {
        var own = stat(), theirs = stat()
        guard stat(state.path, &own) == 0, stat("/proc/\(pid)/root\(state.path)", &theirs) == 0 else { return false }
        return own.st_dev != theirs.st_dev || own.st_ino != theirs.st_ino
    }
}
