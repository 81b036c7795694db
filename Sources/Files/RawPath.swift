import Foundation

/// A path in the bytes that the disk has. Not every name is UTF-8: old archives and cameras write others, and a folder that is moved
/// or copied must keep those files too.
public struct RawPath: Hashable, Sendable {
    /// With the zero at its end, as the system's calls want it.
    public let bytes: [CChar]

    public init(_ text: String) { bytes = Array(text.utf8.map { CChar(bitPattern: $0) }) + [0] }

    private init(bytes: [CChar]) { self.bytes = bytes }

    /// - Parameter name: as `names()` gives it.
    public init(name: some Sequence<CChar>) { bytes = name.prefix { $0 != 0 } + [0] }

    /// As it can be shown.
    public var text: String { String(decoding: bytes.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self) }

    /// The same bytes as text; nil where they are not UTF-8.
    public var exactText: String? { String(validating: bytes.dropLast().lazy.map { UInt8(bitPattern: $0) }, as: UTF8.self) }

    /// - Parameter name: with or without a zero at its end.
    public func appending(_ name: some Sequence<CChar>) -> RawPath {
        RawPath(bytes: bytes.dropLast() + [CChar(bitPattern: UInt8(ascii: "/"))] + name.prefix { $0 != 0 } + [0])
    }

    /// The names of what lies in this folder, in no order, without `.` and `..`.
    /// - Throws: `FileError`.
    public func names() throws(FileError) -> [[CChar]] {
        guard let handle = opendir(bytes) else { throw FileError("open the folder", text, code: errno) }
        defer { closedir(handle) }
        return try Self.names(of: handle, self)
    }

    /// - Parameter path: what an error calls it.
    static func names(of handle: OpaquePointer, _ path: RawPath) throws(FileError) -> [[CChar]] {
        var names: [[CChar]] = []
        while true {
            errno = 0
            guard let entry = readdir(handle) else {
                if errno != 0 { throw FileError("read the folder", path.text, code: errno) }
                return names
            }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { $0.prefix { $0 != 0 }.map { CChar(bitPattern: $0) } }
            if !(name.count <= 2 && name.allSatisfy { $0 == CChar(bitPattern: UInt8(ascii: ".")) }) { names.append(name) }
        }
    }

    /// What lies there, links not followed; nil: nothing.
    /// - Throws: `FileError` where it cannot be found out.
    public func kind() throws(FileError) -> Folder.Kind? { try Folder.Kind(status, self) }

    /// What lstat(2) says; nil where nothing is there, or with `errno` where it cannot be found out.
    public var status: stat? {
        var status = stat()
        return lstat(bytes, &status) == 0 ? status : nil
    }

    /// What the link that lies there says; nil with `errno` where that cannot be read.
    public var target: RawPath? {
        var target = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        return readlink(bytes, &target, Int(PATH_MAX)) < 0 ? nil : RawPath(name: target)
    }
}
