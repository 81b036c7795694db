import Foundation

/// What lies in a folder, and bounded reading of small files.
public enum Folder {
    /// The names in a folder, in no order, without `.` and `..`. Names that are not UTF-8 are left out.
    public static func names(_ path: String) throws(FileError) -> [String] {
        try RawPath(path).names().compactMap { RawPath(name: $0).exactText }
    }

    /// Whether the folder that `path` lies in names it: a network share may answer for a single name with what it knew some seconds ago.
    /// - Throws: `FileError`.
    public static func lists(_ path: String) throws(FileError) -> Bool {
        // As text: some shares give names back in another spelling of the same letters.
        try names(Directory.parent(of: path)).contains(path.split(separator: "/").last.map(String.init) ?? path)
    }

    /// What can lie at a path.
    public enum Kind: Sendable { case directory, file, other }

    /// What lies at `path` itself, a link being `other`; nil: nothing.
    ///
    /// Whoever removes or gives up something because another is not there asks this: a share that is away and a disk that fails hide
    /// things, and the answers below do not tell that from a place where nothing is.
    /// - Throws: `FileError` where it cannot be found out.
    public static func kind(_ path: String) throws(FileError) -> Kind? { try RawPath(path).kind() }

    /// Whether anything lies at `path`, be it a link to nowhere.
    /// - Throws: `FileError` where it cannot be found out.
    public static func isThere(_ path: String) throws(FileError) -> Bool { try kind(path) != nil }

    /// Whether `path` is a folder itself, not a link to one.
    public static func isDirectory(_ path: String) -> Bool { (try? kind(path)) == .directory }

    /// Whether `path` is an ordinary file itself, not a link to one.
    public static func isFile(_ path: String) -> Bool { (try? kind(path)) == .file }

    /// What `path` leads to, links followed; nil: nothing, such as a link to nowhere or round in a circle.
    ///
    /// Whoever does something else where a file is missing asks this, as with `kind(_:)`.
    /// - Throws: `FileError` where it cannot be found out.
    public static func destination(_ path: String) throws(FileError) -> Kind? {
        var status = stat()
        let isThere = stat(path, &status) == 0
        if !isThere && errno == ELOOP { return nil }
        return try Kind(isThere ? status : nil, RawPath(path))
    }

    /// Whether `path` is a folder or a link to one.
    public static func leadsToDirectory(_ path: String) -> Bool { (try? destination(path)) == .directory }

    /// Whether anything lies at `path`, be it a link to nowhere.
    public static func exists(_ path: String) -> Bool { (try? kind(path)) != nil }

    /// Fills `buffer` with an open file's bytes from `offset` on. Nobody else who reads through the descriptor is moved by it.
    /// - Parameter path: what an error calls the file.
    /// - Throws: `FileError`, also where the file ends before.
    public static func fill(_ buffer: UnsafeMutableRawBufferPointer, from descriptor: Int32, _ path: String, at offset: Int) throws(FileError) {
        var filled = 0
        while filled < buffer.count {
            let count = pread(descriptor, buffer.baseAddress! + filled, buffer.count - filled, off_t(offset + filled))
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw FileError("read", path, code: errno) }
            guard count > 0 else { throw FileError.endedEarly(path, after: offset + filled) }
            filled += count
        }
    }

    /// The bytes of an ordinary file of at most `limit` bytes; nil if there is no file.
    /// - Throws: `FileError`, also where the file ends before its size, as on a share that loses the other machine for a moment.
    public static func contents(of path: String, limit: Int) throws(FileError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw FileError("open", path, code: errno)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileError("read", path, code: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw FileError("read", path, code: status.st_mode & S_IFMT == S_IFDIR ? EISDIR : EINVAL) }
        guard status.st_size <= limit else { throw FileError("read", path, code: EFBIG) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw FileError("read", path, code: errno)
            }
            if count == 0 {
                guard bytes.count >= status.st_size else { throw FileError.endedEarly(path, after: bytes.count) }
                return bytes
            }
            bytes += buffer[..<count]
            guard bytes.count <= limit else { throw FileError("read", path, code: EFBIG) }
        }
    }
}

extension Folder.Kind {
    /// - Parameter status: of what lies at `path`; nil with `errno` where there is none.
    init?(_ status: stat?, _ path: RawPath) throws(FileError) {
        guard let status else {
            // Under a name that the file system does not take nothing can lie.
            if [ENOENT, ENOTDIR, ENAMETOOLONG, EINVAL, EILSEQ].contains(errno) { return nil }
            throw FileError("look at", path.text, code: errno)
        }
        self = switch status.st_mode & S_IFMT {
        case S_IFDIR: .directory
        case S_IFREG: .file
        default: .other
        }
    }
}
