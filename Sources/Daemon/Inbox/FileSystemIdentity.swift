import Files
import Foundation

/// Which file system a path lies on, told apart from another that is mounted in its place, over starts and mounts. The number of the
/// device says that of one mount only, and some shares give a folder another inode with every look.
enum FileSystemIdentity {
    /// Its type, its source and its own number, which some do not have; nil where it cannot be found out.
    ///
    /// - Parameter mounted: proc_pid_mountinfo(5).
    static func text(of path: String, mounted: String = "/proc/self/mountinfo") -> String? {
        var system = statvfs()
        guard statvfs(path, &system) == 0, let real = Directory.resolved(path) else { return nil }
        var nearest: (point: String, kind: String)?
        for fields in ForeseenMount.lines(mounted) where fields.count > 5 {
            let point = ForeseenMount.point(fields[4])
            guard point == "/" || ForeseenMount.isInside(real, point), let end = fields.dropFirst(5).firstIndex(of: "-"), fields.count >= end + 3 else { continue }
            // Of two at one place the later hides the other.
            if point.utf8.count >= nearest?.point.utf8.count ?? 0 { nearest = (point, "\(fields[end + 1]) \(fields[end + 2])") }
        }
        return nearest.map { "\($0.kind) \(String(system.f_fsid, radix: 16))" }
    }
}
