import Files
import Foundation

extension FileError {
    /// The system's own words for what happened, or ours.
    var reason: String { code == 0 ? description : String(cString: strerror(code)) }

    /// Whether the same may be in order later, with nobody mending it.
    public var mayPass: Bool { Self.mayPass(code) }

    /// What the system says of a path that is wrong, or that somebody must give rights to, does not.
    static func mayPass(_ code: Int32) -> Bool {
        ![0, ENOENT, ENOTDIR, EISDIR, EACCES, EPERM, ELOOP, ENAMETOOLONG, EFBIG, EINVAL, ENXIO, ENODEV].contains(code)
    }

    /// The same of a specification or configuration, which is no longer than its reader takes.
    var reasonForSpecification: String {
        code == EFBIG ? "it is larger than \(YAMLReader.maximumBytes >> 20) MiB; a specification has some hundred bytes, so this is probably another file" : reason
    }
}
