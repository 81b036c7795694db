import Foundation
import Jobs

extension RunningHours {
    /// Whether jobs may run at this moment.
    var areNow: Bool {
        var now = time(nil)
        var parts = tm()
        // Somebody may have given the machine another time zone since.
        tzset()
        localtime_r(&now, &parts)
        return contains(minute: Int(parts.tm_hour) * 60 + Int(parts.tm_min))
    }
}

/// The room on a file system.
enum FreeSpace {
    /// Bytes that an ordinary user may still write where `path` lies.
    static func bytes(at path: String) -> Int? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        return Int(clamping: UInt64(status.f_bavail) * UInt64(status.f_frsize))
    }

    /// Whether the state directory's disk has less room than `min_free_space`.
    static func isShort(_ configuration: Configuration) -> Bool {
        bytes(at: configuration.state).map { $0 < configuration.minFreeSpace } ?? false
    }
}
