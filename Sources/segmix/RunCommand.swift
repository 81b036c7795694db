import ArgumentParser
import Foundation
import Jobs
import Pipeline

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Does the whole job: prepare, train, render, report. Goes on where it was stopped.")

    @OptionGroup var options: JobOptions

    @Option(help: "Where the result is made.", completion: .directory)
    var output: String

    func run() throws {
        _ = StopRequest.shared
        let (job, model, means) = try options.load()
        let runner = JobRunner(job, model, means, output: try absolute(output), progress: ProgressReporter())
        if try runner.isFinished() {
            print("\(output) holds the finished result already")
            return
        }
        if try !runner.run(.whole) { Foundation.exit(ExitStatus.stopped.rawValue) }
    }
}

/// A path that does not depend on the working directory.
/// - Throws: `JobFailure` where it does, and that directory is gone.
func absolute(_ path: String) throws -> String {
    if !path.hasPrefix("/") {
        guard let working = getcwd(nil, 0) else {
            throw JobFailure(.badInput, "The working directory, which \(path) is relative to, cannot be told: \(String(cString: strerror(errno))). Change to one that is there, or give an absolute path.")
        }
        free(working)
    }
    return URL(fileURLWithPath: path).standardizedFileURL.path
}
