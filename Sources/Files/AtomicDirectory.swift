import Foundation

/// A directory that appears whole or not at all: it is filled under a hidden name beside its final one, flushed to the
/// disk with everything in it, and renamed.
public enum AtomicDirectory {
    /// Builds the directory at `path` with what `body` writes into the hidden directory it is given; if anything throws
    /// before it has its name, nothing is left. Its parent must exist, `path` itself must not: something that lies there, or
    /// took the name meanwhile, stays as it is and is an error.
    /// - Throws: `FileError`, and what `body` throws.
    public static func build<Result>(_ path: String, _ body: (String) throws -> Result) throws -> Result {
        var path = path
        while path.count > 1 && path.hasSuffix("/") { path.removeLast() }
        let temporary = TemporaryName.beside(path, suffix: "partial")
        if Folder.exists(path) { throw FileError("create", path, code: EEXIST) }
        guard mkdir(temporary, 0o777) == 0 else { throw FileError("create", path, code: errno) }
        do {
            let result = try body(temporary)
            try Directory.flushTree(temporary)
            guard Directory.renameWithoutReplacing(temporary, path) else { throw FileError("create", path, code: errno) }
            try Directory.flush(Directory.parent(of: path))
            return result
        } catch {
            // By a name that a share still shows although it was renamed, the result would be emptied.
            if (try? Folder.lists(temporary)) == true { try? Directory.removeTree(temporary) }
            throw error
        }
    }
}
