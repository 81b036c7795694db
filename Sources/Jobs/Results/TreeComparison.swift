import Files
import Foundation

/// Compares two trees by what is in them. Times and permissions say nothing here: a network share keeps the first less exactly than
/// the disk that was copied from, and not every share keeps the second at all.
enum TreeComparison {
    /// Whether `a` has all that is in `b`, links and bytes the same, and perhaps more. What a share keeps of removed files that somebody
    /// has open does not count.
    static func holds(_ a: RawPath, _ b: RawPath) throws(FileError) -> Bool {
        guard let kind = try b.kind() else { return true }
        guard try a.kind() == kind, let first = a.status, let second = b.status, first.st_mode & S_IFMT == second.st_mode & S_IFMT else { return false }
        switch first.st_mode & S_IFMT {
        case S_IFDIR:
            for name in try b.names() where !isKeptOpen(name) {
                guard try holds(a.appending(name), b.appending(name)) else { return false }
            }
            return true
        case S_IFREG:
            guard first.st_size == second.st_size else { return false }
            return try haveEqualBytes(a, b)
        case S_IFLNK: return a.target == b.target
        default: return first.st_rdev == second.st_rdev
        }
    }

    /// NFS, FUSE and Samba call them so, with a number.
    private static func isKeptOpen(_ name: [CChar]) -> Bool {
        let text = RawPath(name: name).text
        return [".nfs", ".fuse_hidden", ".smbdelete"].contains { text.hasPrefix($0) && text.count > $0.count && text.dropFirst($0.count).allSatisfy(\.isHexDigit) }
    }

    /// Whether everything in `a` has its name in `b` as well.
    static func hasNames(of a: RawPath, _ b: RawPath) throws(FileError) -> Bool {
        guard let kind = try a.kind() else { return true }
        guard try b.kind() == kind else { return false }
        guard kind == .directory else { return true }
        for name in try a.names() {
            guard try hasNames(of: a.appending(name), b.appending(name)) else { return false }
        }
        return true
    }

    private static func haveEqualBytes(_ a: RawPath, _ b: RawPath) throws(FileError) -> Bool {
        var descriptors: [Int32] = []
        defer { for descriptor in descriptors { close(descriptor) } }
        for path in [a, b] {
            let descriptor = open(path.bytes, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
            guard descriptor >= 0 else { throw FileError("read", path.text, code: errno) }
            descriptors.append(descriptor)
        }
        while true {
            let one = try piece(descriptors[0], a), other = try piece(descriptors[1], b)
            if one != other { return false }
            if one.isEmpty { return true }
        }
    }

    /// The next MiB; less only at the end.
    private static func piece(_ descriptor: Int32, _ path: RawPath) throws(FileError) -> ArraySlice<UInt8> {
        var buffer = [UInt8](repeating: 0, count: 1 << 20), filled = 0
        while filled < buffer.count {
            let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress! + filled, $0.count - filled) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw FileError("read", path.text, code: errno) }
            if count == 0 { break }
            filled += count
        }
        return buffer[..<filled]
    }
}
