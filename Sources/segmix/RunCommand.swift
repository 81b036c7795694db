import ArgumentParser
import Foundation
import Jobs
import Pipeline

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Does the whole job: prepare, train, render, report. Goes on where it was stopped.")

    @OptionGroup var options: JobOptions

    @Option(help: "Where the result is made.")
    var output: String

    func run() throws {
        _ = StopRequest.shared
        let (job, model, means) = try options.load()
        let runner = JobRunner(job, model, means, output: absolute(output), progress: ProgressReporter())
        if runner.isFinished() {
            print("\(output) holds the finished result already")
            return
        }
        if try !runner.run(.whole) { Foundation.exit(ExitStatus.stopped.rawValue) }
    }
}

/// A path that does not depend on the working directory.
func absolute(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }
