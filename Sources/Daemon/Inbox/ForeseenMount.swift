import Files
import Foundation
import Jobs

/// File systems that this machine is told to mount (`/etc/fstab`), and that are not there yet, or not any more.
///
/// What is written to the empty folder in the place of such a one is on the wrong disk, and hidden as soon as the right one comes.
enum ForeseenMount {
    /// The mount point that `path` lies below and that is not mounted; nil where there is none.
    ///
    /// - Parameters:
    ///   - fstab: fstab(5).
    ///   - mounted: proc_pid_mountinfo(5).
    static func missing(for path: String, fstab: String = "/etc/fstab", mounted: String = "/proc/self/mountinfo") -> String? {
        let foreseen = lines(fstab).filter { !$0[0].hasPrefix("#") && $0.count >= 3 && $0[2] != "swap" }.map { point($0[1]) }
        guard let nearest = foreseen.filter({ $0 != "/" && isInside(path, $0) }).max(by: { $0.utf8.count < $1.utf8.count }) else { return nil }
        let mounts = lines(mounted).compactMap { $0.count >= 5 ? point($0[4]) : nil }
        return mounts.isEmpty || mounts.contains(nearest) ? nil : nearest
    }

    /// - Parameters:
    ///   - purpose: what cannot be done otherwise, such as `publish in`.
    ///   - waiting: who waits until then.
    /// - Throws: `FileError` where a directory is not there now.
    static func require(_ path: String, to purpose: String, waiting: String) throws(FileError) {
        try requireMounted(path, to: purpose, waiting: waiting)
        guard Folder.leadsToDirectory(path) else { throw FileError(purpose, path, code: ENOENT) }
    }

    /// - Throws: `FileError` where `path` lies below a mount point that is not mounted.
    static func requireMounted(_ path: String, to purpose: String, waiting: String? = nil) throws(FileError) {
        guard let mount = missing(for: path) else { return }
        throw FileError(purpose, path, reason: "\(mount) is not mounted", remedy: "Mount it" + (waiting.map { "; \($0) until then" } ?? ""))
    }

    /// The fields of every line that has any.
    static func lines(_ file: String) -> [[Substring]] {
        // Files of /proc have no size, and come in pieces.
        guard let bytes = try? Folder.contents(of: file, limit: 1 << 26) else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { $0.split { $0 == " " || $0 == "\t" } }.filter { !$0.isEmpty }
    }

    /// A path as both files write it: blanks and the like in octal.
    static func point(_ field: Substring) -> String {
        var bytes: [UInt8] = [], rest = Array(field.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), rest.count >= 3, let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8) {
                bytes.append(code)
                rest.removeFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        while bytes.count > 1, bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func isInside(_ path: String, _ folder: String) -> Bool { path == folder || path.hasPrefix(folder + "/") }
}
