import ArgumentParser
import Foundation
import Jobs
import Pipeline

struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Only the training: masks, and priors where asked for, are there.")

    @OptionGroup var options: JobOptions

    @Option(help: "Where the LoRA, checkpoints and metrics are written.", completion: .directory)
    var output: String

    @Flag(help: "Go on from the newest resume point in the output that verifies; start where there is none.")
    var resume = false

    @Option(help: "Write everything random of every micro-step there, so that the training can be replayed elsewhere.", completion: .directory)
    var trace: String?

    func run() throws {
        _ = StopRequest.shared
        let (job, model, means) = try options.load()
        let runner = JobRunner(job, model, means, output: try absolute(output), progress: ProgressReporter())
        try runner.refuseOldRun(unless: resume)
        if try !runner.run(.training, trace: trace.map(absolute)) { Foundation.exit(ExitStatus.stopped.rawValue) }
    }
}
