import ArgumentParser
import Foundation
import Jobs
import Pipeline

struct PrepareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prepare", abstract: "Makes only what a job lacks: masks and prior images. Goes on where it was stopped.")

    @OptionGroup var options: JobOptions

    @Option(help: "Where masks, prior and a complete metadata.jsonl are written; copied into the job's folder, they complete it.", completion: .directory)
    var output: String

    func run() throws {
        _ = StopRequest.shared
        let (job, means) = try options.loadForPreparation()
        if try !PrepareJob(job, means, output: try absolute(output), progress: ProgressReporter()).run() { Foundation.exit(ExitStatus.stopped.rawValue) }
    }
}
