import Files
import Foundation
import Jobs

/// One look at a whole folder of the inbox, in one walk and without keeping what is in it: an inbox of ten thousand folders is looked
/// through again and again.
struct FolderLook {
    /// Two equal ones some time apart mean that nobody has written in between: a sum of hashes over the paths, modes, sizes and times of
    /// change of everything below the folder, and their number. The folder's own times do not count: moving it changes them. Nor do
    /// inodes: sshfs and others give new ones with each look.
    struct Fingerprint: Hashable {
        fileprivate(set) var first: UInt64 = 0, second: UInt64 = 0, count = 0
    }

    private(set) var fingerprint = Fingerprint()
    /// A file `.ready` at its top: its writer says that it is complete.
    var isReady = false
    /// A file `.lock` at its top: its writer is still at work.
    var isLocked = false
    /// Only what file managers leave is in it.
    var isEmpty = true

    /// - Throws: where a folder cannot be read. What vanishes on the way is left out.
    init(at path: String) throws(FileError) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw FileError("open the folder", path, code: errno) }
        try walk(descriptor, path, Self.basis, depth: 0)
    }

    /// Takes `descriptor` over. At every depth one is open: a tree that is deeper than this is nobody's photos.
    private mutating func walk(_ descriptor: Int32, _ path: String, _ hash: UInt64, depth: Int) throws(FileError) {
        guard depth <= 64 else {
            close(descriptor)
            throw FileError("read the folder", path, reason: "it lies more than 64 folders deep", remedy: "Put the photos nearer to the top")
        }
        // A path has at most 4096 bytes, and the outbox may have a longer name than the inbox.
        guard path.utf8.count <= 3000 else {
            close(descriptor)
            throw FileError("read the folder", path, reason: "its path has \(path.utf8.count) bytes", remedy: "Put the photos nearer to the top, or give the folders shorter names")
        }
        guard let handle = fdopendir(descriptor) else {
            let code = errno
            close(descriptor)
            throw FileError("open the folder", path, code: code)
        }
        defer { closedir(handle) }
        while true {
            errno = 0
            guard let entry = readdir(handle) else {
                if errno != 0 { throw FileError("read the folder", path, code: errno) }
                return
            }
            try withUnsafeBytes(of: &entry.pointee.d_name) { (bytes) throws(FileError) in
                let name = UnsafeRawBufferPointer(rebasing: bytes.prefix { $0 != 0 })
                if name.count <= 2, name.allSatisfy({ $0 == UInt8(ascii: ".") }) { return }
                if depth == 0 { top(String(decoding: name, as: UTF8.self)) }
                let pointer = bytes.baseAddress!.assumingMemoryBound(to: CChar.self)
                var status = stat()
                guard fstatat(descriptor, pointer, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
                    if errno == ENOENT { return }
                    throw FileError("look at", path + "/" + String(decoding: name, as: UTF8.self), code: errno)
                }
                let own = Self.hash(name, after: hash)
                add(own, status)
                guard status.st_mode & S_IFMT == S_IFDIR else { return }
                let inner = openat(descriptor, pointer, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
                guard inner >= 0 else {
                    if errno == ENOENT { return }
                    throw FileError("open the folder", path + "/" + String(decoding: name, as: UTF8.self), code: errno)
                }
                try walk(inner, path + "/" + String(decoding: name, as: UTF8.self), own, depth: depth + 1)
            }
        }
    }

    private mutating func top(_ name: String) {
        if name == ".ready" { isReady = true }
        if name == ".lock" { isLocked = true }
        if isEmpty, !IgnoredFiles.contains(name) { isEmpty = false }
    }

    private mutating func add(_ path: UInt64, _ status: stat) {
        let isFolder = status.st_mode & S_IFMT == S_IFDIR
        let parts = [
            UInt64(status.st_mode), isFolder ? 0 : UInt64(bitPattern: Int64(status.st_size)), UInt64(bitPattern: Int64(status.st_mtim.tv_sec)),
            UInt64(bitPattern: Int64(status.st_mtim.tv_nsec)),
            // Copying programs give a file its old time back when they have written it.
            isFolder ? 0 : UInt64(bitPattern: Int64(status.st_ctim.tv_sec)), isFolder ? 0 : UInt64(bitPattern: Int64(status.st_ctim.tv_nsec)),
        ]
        var hash = path
        for part in parts { hash = Self.mixed(hash ^ part) }
        fingerprint.first &+= hash
        fingerprint.second &+= Self.mixed(hash ^ 0x9E37_79B9_7F4A_7C15)
        fingerprint.count += 1
    }

    private static let basis: UInt64 = 0xCBF2_9CE4_8422_2325

    /// FNV-1a over a name, with a separator that no name holds.
    private static func hash(_ name: UnsafeRawBufferPointer, after hash: UInt64) -> UInt64 {
        var hash = (hash ^ UInt64(UInt8(ascii: "/"))) &* 0x100_0000_01B3
        for byte in name { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return mixed(hash)
    }

    /// The finalizer of SplitMix64: every bit of the result depends on every bit given.
    private static func mixed(_ value: UInt64) -> UInt64 {
        var z = value &+ 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
