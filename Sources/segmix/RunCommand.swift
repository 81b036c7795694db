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
