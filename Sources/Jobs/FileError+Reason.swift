import Files
import Foundation

extension FileError {
    /// The system's own words for what happened, or ours.
    var reason: String { code == 0 ? description : String(cString: strerror(code)) }
}
