import CFiles
import Foundation

/// What this process may compute on.
public enum Processors {
    /// How many processors it may run on now (sched_getaffinity(2)).
    public static var allowed: Int { Int(cfiles_processors()) }

    /// How many it may use now: those that it may run on, fewer where a control group (systemd's
    /// `CPUQuota=`, a container's limit) gives it less time than all of them have.
    /// - Parameter root: where `/proc` and `/sys` are looked for.
    public static func usable(root: String = "") -> Int {
        max(1, ControlGroups.all("cpu", root: root).compactMap(quota).reduce(allowed, min))
    }

    /// How many processors' time a control group may use, rounded up; nil where it sets no limit.
    private static func quota(_ group: ControlGroups.Group) -> Int? {
        let numbers = group.isSecond
            ? (group.text("cpu.max") ?? "").split(separator: " ").map { Int($0) } : ["cpu.cfs_quota_us", "cpu.cfs_period_us"].map { group.text($0).flatMap { Int($0) } }
        guard numbers.count == 2, let time = numbers[0], let period = numbers[1], time > 0, period > 0 else { return nil }
        return time / period + (time % period > 0 ? 1 : 0)
    }
}
