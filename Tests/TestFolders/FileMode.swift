import Foundation

/// The rights of what `path` leads to, those of `bits`; nil where it leads nowhere.
public func mode(_ path: String, _ bits: mode_t = 0o777) -> mode_t? {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & bits : nil
}
