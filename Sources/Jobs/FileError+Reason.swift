import Files
import Foundation

extension FileError {
    /// The system's own words for what happened, or ours.
    var reason: String { code == 0 ? description : String(cString: strerror(code)) }

    /// The same of a specification or configuration, which is no longer than its reader takes.
    var reasonForSpecification: String {
        code == EFBIG ? "it is larger than \(YAMLReader.maximumBytes >> 20) MiB; a specification has some hundred bytes, so this is probably another file" : reason
    }
}
