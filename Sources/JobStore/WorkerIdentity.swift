import Files
import Foundation

/// A process, told apart from a later one with the same number.
public struct WorkerIdentity: Equatable, Sendable {
    public var pid: Int32
    /// In clock ticks since the machine's start (field 22 of `/proc/PID/stat`).
    public var started: UInt64

    public init(pid: Int32, started: UInt64) {
        self.pid = pid
        self.started = started
    }

    public init?(pid: Int32) {
        guard let started = Self.startTime(of: pid) else { return nil }
        self.init(pid: pid, started: started)
    }

    /// Whether that very process still exists.
    public var isAlive: Bool { Self.startTime(of: pid) == started }

    private static func startTime(of pid: Int32) -> UInt64? {
        guard let bytes = try? Folder.contents(of: "/proc/\(pid)/stat", limit: 65_536),
            // The second field is the program's name in parentheses and may hold anything.
            let end = bytes.lastIndex(of: UInt8(ascii: ")"))
        else { return nil }
        let fields = String(decoding: bytes[(end + 1)...], as: UTF8.self).split(separator: " ")
        guard fields.count > 19, fields[0] != "Z", fields[0] != "X" else { return nil }
        return UInt64(fields[19])
    }
}
