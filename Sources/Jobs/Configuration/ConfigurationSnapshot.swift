import Files
import Foundation

/// The configuration as a daemon hands it to a worker: a file in the job's folder, which holds what the daemon itself goes by. Whatever
/// is done to the configuration's own file afterwards, half-saved or with a fault in it, touches no job that is about to start.
public enum ConfigurationSnapshot {
    /// What the file is called in a job's folder.
    public static func name(run: Int) -> String { run == 0 ? "configuration.json" : "configuration-\(run).json" }

    /// Writes what a worker needs to `path`; the page's token and the hooks, which may hold secrets, stay with the daemon. Nobody else may
    /// write it, whatever the umask is.
    ///
    /// - Throws: `FileError`.
    public static func write(_ configuration: Configuration, to path: String) throws {
        var configuration = configuration
        configuration.statusToken = nil
        (configuration.onFinish, configuration.onFailure) = (nil, nil)
        try AtomicFile.write(JSONEncoder([.sortedKeys, .withoutEscapingSlashes]).encode(configuration), to: path, mode: 0o644)
    }

    /// - Returns: nil where it was written by another version, which knew other keys.
    /// - Throws: where there is no such file.
    public static func read(_ path: String) throws(FileError) -> Configuration? {
        guard let bytes = try Folder.contents(of: path, limit: 16 << 20) else { throw FileError("read", path, code: ENOENT) }
        return try? JSONDecoder().decode(Configuration.self, from: Data(bytes))
    }
}
