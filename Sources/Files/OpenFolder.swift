import Foundation

/// An open folder. What lies in it is reached through it and a bare name: a walk by these never leaves its tree, whatever others rename
/// or put in the place of its folders meanwhile.
public final class OpenFolder {
    public let descriptor: Int32
    /// As it was called when it was opened: for messages, and for the length of what lies below.
    public let path: RawPath

    fileprivate init(_ entry: FolderEntry) throws(FileError) {
        path = entry.path
        descriptor = entry.open(O_RDONLY | O_DIRECTORY)
        guard descriptor >= 0 else { throw FileError("open the folder", path.text, code: errno) }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// What lies in it, in no order.
    /// - Throws: `FileError`.
    public func entries() throws(FileError) -> [FolderEntry] {
        let own = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard own >= 0 else { throw FileError("open the folder", path.text, code: errno) }
        guard let handle = fdopendir(own) else {
            let code = errno
            close(own)
            throw FileError("open the folder", path.text, code: code)
        }
        defer { closedir(handle) }
        // The place is that of all descriptors of it.
        rewinddir(handle)
        return try RawPath.names(of: handle, path).map { entry($0) }
    }

    /// - Parameter name: with or without a zero at its end.
    public func entry(_ name: [CChar]) -> FolderEntry { FolderEntry(name, in: self) }
}

/// A name in an open folder, whether something lies there or not.
public struct FolderEntry {
    private let folder: OpenFolder?
    /// With the zero at its end.
    public let name: [CChar]
    public let path: RawPath

    /// The beginning of a walk: a path whose folders are trusted.
    public init(_ path: String) {
        self.path = RawPath(path)
        folder = nil
        name = self.path.bytes
    }

    fileprivate init(_ name: [CChar], in folder: OpenFolder) {
        self.folder = folder
        self.name = RawPath(name: name).bytes
        path = folder.path.appending(name)
    }

    /// What `name` is relative to, for the system's calls.
    public var directory: Int32 { folder?.descriptor ?? AT_FDCWD }

    /// What lies there, itself and not what it leads to; nil where nothing does, or with `errno` where it cannot be found out.
    public var status: stat? {
        var status = stat()
        return fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? status : nil
    }

    /// What lies there, a link being `other`; nil: nothing.
    /// - Throws: `FileError` where it cannot be found out.
    public func kind() throws(FileError) -> Folder.Kind? { try Folder.Kind(status, path) }

    /// openat(2), of no link, and waiting for nobody.
    public func open(_ flags: Int32, _ mode: mode_t = 0) -> Int32 {
        openat(directory, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, mode)
    }

    /// - Throws: `FileError` where it is no folder, or a link to one.
    public func opened() throws(FileError) -> OpenFolder { try OpenFolder(self) }
}
