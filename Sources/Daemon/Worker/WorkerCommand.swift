import Files
import Foundation
import Jobs
import JobStore

/// How a worker is started: `segmix VERB INPUT --config FILE --configuration-snapshot FILE … [--spec=FILE]`.
public struct WorkerCommand: Sendable {
    public var executable: String
    /// Arguments before everything else.
    public var prefix: [String]

    public init(executable: String, prefix: [String] = []) {
        self.executable = executable
        self.prefix = prefix
    }

    /// `segmix` in the folder of the running executable.
    ///
    /// - Throws: a fault where it is not there.
    public static func besideThisExecutable() throws -> WorkerCommand {
        let own = try Directory.thisProgram(), path = Directory.joined(Directory.parent(of: own), "segmix")
        guard access(path, X_OK) == 0 else {
            throw Fault("the program segmix is missing beside \(own); install both into one folder")
        }
        return WorkerCommand(executable: path)
    }

    /// - Parameters:
    ///   - configuration: the configuration's own file, for what is said of it.
    ///   - snapshot: the configuration that holds (`ConfigurationSnapshot`).
    func arguments(_ verb: String, input: String, configuration: String?, snapshot: String, _ more: [String], specification: String?) -> [String] {
        var all = prefix + [verb, input]
        if let configuration { all += ["--config", configuration] }
        all += ["--configuration-snapshot", snapshot] + more
        // In one word: its name may begin with a minus sign.
        if let specification { all.append("--spec=" + specification) }
        return all
    }

    /// The daemon's own environment, with what every worker finds there.
    func environment(_ configuration: Configuration, _ state: StateDirectory) -> [String: String] {
        var all = ProcessInfo.processInfo.environment
        all[StrayWorkers.environmentKey] = state.path
        all["SEGMIX_THREADS"] = Resources.threads(configuration, all)
        return all
    }
}
