import Foundation

/// The control groups of this process and those above them: systemd's slices and services, containers.
public enum ControlGroups {
    /// Where the kernel tells of one.
    public struct Group: Sendable {
        public let folder: String
        /// Of version 2; else of version 1.
        public let isSecond: Bool

        /// The text of one of its files, without the space around it; nil where there is none.
        public func text(_ name: String) -> String? {
            (try? String(contentsOfFile: folder + "/" + name, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
        }
    }

    /// Those of version 2, and of version 1 those of a controller (`memory`, `cpu`).
    /// - Parameter root: where `/proc` and `/sys` are looked for.
    public static func all(_ controller: String, root: String = "") -> [Group] {
        guard let text = try? String(contentsOfFile: root + "/proc/self/cgroup", encoding: .utf8) else { return [] }
        var found: [Group] = []
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
            guard fields.count == 3 else { continue }
            let isSecond = fields[0] == "0" && fields[1].isEmpty
            guard isSecond || fields[1].split(separator: ",").contains(Substring(controller)) else { continue }
            let top = root + "/sys/fs/cgroup" + (isSecond ? "" : "/" + controller)
            var path = fields[2]
            while true {
                found.append(Group(folder: top + (path == "/" ? "" : path), isSecond: isSecond))
                if path == "/" || path.isEmpty { break }
                path = (path as NSString).deletingLastPathComponent
            }
        }
        return found
    }
}
