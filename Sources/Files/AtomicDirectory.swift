import Foundation

/// A directory that appears whole or not at all: it is filled under a hidden name beside its final one, flushed to the
/// disk with everything in it, and renamed. Left uncommitted it is removed again.
public final class AtomicDirectory {
    /// Where it will appear.
    public let path: String
    /// Where to write until then.
    public let temporaryPath: String
    private var open = true

    /// Makes the hidden directory; its parent must exist, `path` itself must not.
    /// - Throws: `FileError`.
    public init(_ path: String) throws {
        var trimmed = path
        while trimmed.count > 1 && trimmed.hasSuffix("/") { trimmed.removeLast() }
        self.path = trimmed
        temporaryPath = TemporaryName.beside(trimmed, suffix: "partial")
        var status = stat()
        if lstat(trimmed, &status) == 0 { throw FileError("create", trimmed, code: EEXIST) }
        guard mkdir(temporaryPath, 0o777) == 0 else { throw FileError("create", trimmed, code: errno) }
    }

    deinit { discard() }

    /// Flushes the tree, gives it its name and flushes the parent. Something that took the name meanwhile stays as it
    /// is and is an error.
    /// - Throws: `FileError`; the directory is then still there under its hidden name, until `discard` or the end.
    public func commit() throws {
        precondition(open, "AtomicDirectory: \(path) was committed or discarded before")
        try Directory.flushTree(temporaryPath)
        guard Directory.renameWithoutReplacing(temporaryPath, path) else { throw FileError("create", path, code: errno) }
        open = false
        try Directory.flush(Directory.parent(of: path))
    }

    /// Removes the hidden directory, unless it was committed.
    public func discard() {
        guard open else { return }
        open = false
        try? FileManager.default.removeItem(atPath: temporaryPath)
    }

    /// Builds the directory at `path` with what `body` writes into the temporary directory it is given; if `body`
    /// throws, nothing is left.
    /// - Throws: `FileError`, and what `body` throws.
    public static func build<Result>(_ path: String, _ body: (String) throws -> Result) throws -> Result {
        let directory = try AtomicDirectory(path)
        do {
            let result = try body(directory.temporaryPath)
            try directory.commit()
            return result
        } catch {
            directory.discard()
            throw error
        }
    }
}
