import Files
import Foundation

/// The small files of a model: configurations, vocabularies, merges.
enum ModelFile {
    /// - Parameters:
    ///   - limit: bytes, whole MiB; what is longer is another file.
    ///   - fault: makes an error of what is wrong with the file.
    /// - Returns: nil where there is no such file.
    /// - Throws: `fault`'s errors for what is no ordinary file or too long; `FileError` where the file cannot be read.
    static func contents(_ path: String, limit: Int, fault: (_ reason: String) -> any Error) throws -> Data? {
        do throws(FileError) {
            return try Folder.contents(of: path, limit: limit).map { Data($0) }
        } catch {
            switch error.code {
            case ENOTDIR, ELOOP: return nil
            case EACCES, EPERM: throw fault("may not be read by this program; give its user that right (chmod a+r)")
            // ENXIO: a socket.
            case EISDIR, EINVAL, ENXIO: throw fault("is not an ordinary file; fetch the model again")
            case EFBIG: throw fault("is larger than \(limit >> 20) MiB, which no such file is; fetch the model again")
            default: throw error
            }
        }
    }
}
