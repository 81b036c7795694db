import Files
import Foundation
import Jobs

/// How a worker is started: `segmix run INPUT --config FILE --configuration-snapshot FILE --output DIR [--spec FILE]`.
public struct WorkerCommand: Sendable {
    public var executable: String
    /// Before everything else.
    public var arguments: [String]
    /// Added to the daemon's own environment.
    public var environment: [String: String]

    public init(executable: String, arguments: [String] = ["run"], environment: [String: String] = [:]) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
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
    func arguments(input: String, configuration: String?, snapshot: String, output: String, specification: String?) -> [String] {
        var all = arguments + [input]
        if let configuration { all += ["--config", configuration] }
        all += ["--configuration-snapshot", snapshot, "--output", output]
        // In one word: its name may begin with a minus sign.
        if let specification { all.append("--spec=" + specification) }
        return all
    }
}
