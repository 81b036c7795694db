import Files
import Foundation

/// Which folder lies at a path, told apart from another that is mounted or made in its place, over starts and mounts. The number of the
/// device says that of one mount only.
enum FolderIdentity {
    /// Type and source of the file system, its own number, which some do not have, and the folder's; nil where it cannot be found out.
    ///
    /// - Parameter mounted: proc_pid_mountinfo(5).
    static func text(of path: String, mounted: String = "/proc/self/mountinfo") -> String? {
        var folder = stat(), system = statvfs()
        guard stat(path, &folder) == 0, statvfs(path, &system) == 0, let real = Directory.resolved(path) else { return nil }
        var nearest: (point: String, kind: String)?
        for fields in ForeseenMount.lines(mounted) where fields.count > 5 {
            let point = ForeseenMount.point(fields[4])
            guard point == "/" || ForeseenMount.isInside(real, point), let end = fields.dropFirst(5).firstIndex(of: "-"), fields.count >= end + 3 else { continue }
            // Of two at one place the later hides the other.
            if point.utf8.count >= nearest?.point.utf8.count ?? 0 { nearest = (point, "\(fields[end + 1]) \(fields[end + 2])") }
        }
        return nearest.map { "\($0.kind) \(String(system.f_fsid, radix: 16)) \(folder.st_ino)" }
    }
}
