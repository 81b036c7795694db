import Foundation

/// A fault of the file system, as one sentence that names the path, what the system said and what to do.
public struct FileError: Error, CustomStringConvertible, Sendable, Equatable {
    /// What was being done: "write", "create", "rename"…
    public let action: String
    public let path: String
    /// The system's error number, or the one that comes nearest; 0 where the fault is not the system's.
    public let code: Int32
    public let description: String

    /// A fault the system reported through `errno`.
    public init(_ action: String, _ path: String, code: Int32) {
        self.action = action
        self.path = path
        self.code = code
        description = "Cannot \(action.onOneLine()) \(path.onOneLine()): \(String(cString: strerror(code))). \(Self.remedy(code, reading: action == "read"))"
    }

    /// A fault found by ourselves; `reason` and `remedy` are clauses without a full stop.
    public init(_ action: String, _ path: String, code: Int32 = 0, reason: String, remedy: String) {
        self.action = action
        self.path = path
        self.code = code
        description = "Cannot \(action.onOneLine()) \(path.onOneLine()): \(reason). \(remedy)."
    }

    /// Whether the system says of a change that it was not made. Where it says anything else, a network share may have made it and not been
    /// able to say so.
    public static func isRefusal(_ code: Int32) -> Bool {
        [
            ENOENT, ENOTDIR, EISDIR, EEXIST, ENOTEMPTY, EACCES, EPERM, EROFS, EBUSY, ETXTBSY, EXDEV, EINVAL, EILSEQ, ENAMETOOLONG, ELOOP, EMLINK, ENOSPC, EDQUOT,
            ENOSYS, EOPNOTSUPP,
        ].contains(code)
    }

    /// A file of which less can be read than its size says.
    static func endedEarly(_ path: String, after count: Int) -> FileError {
        FileError(
            "read", path, code: EIO, reason: "it ended after \(count) bytes, before its size",
            remedy: "Check the disk or the network share that it is on, then run it again")
    }

    private static func remedy(_ code: Int32, reading: Bool) -> String {
        switch code {
        case ENOSPC: "Free space on that disk, then run it again."
        case EDQUOT: "The disk quota is used up: free space or raise it, then run it again."
        case EACCES, EPERM: "Give the user that runs this program the right to read and write there."
        // Its units make everything read-only that they do not name.
        case EROFS where getenv("INVOCATION_ID") != nil:
            "If it can be written to otherwise, systemd's unit keeps this program from it: allow the path by ReadWritePaths= in a drop-in, see segmixd(8)."
        case EROFS: "The file system is mounted read-only: choose another place or mount it for writing."
        case ENOENT where reading: "Correct the path, or put the file there."
        case ENOENT: "Create the folder first, or correct the path."
        case ENOTDIR: "A part of the path is a file where a folder is needed: correct the path."
        case EISDIR: "There is a folder of that name: choose another name or remove it."
        case EEXIST, ENOTEMPTY: "Something of that name is there already: choose another name or move it away."
        case ENAMETOOLONG: "Choose a shorter name."
        case EMFILE, ENFILE: "Too many files are open: raise the limit (ulimit -n), then run it again."
        case EXDEV: "Source and destination must lie on the same file system."
        case EIO: "The disk reports a hardware fault: check it, then run it again."
        default: "Check the path and the disk, then run it again."
        }
    }
}
