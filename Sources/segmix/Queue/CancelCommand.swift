import ArgumentParser
import Foundation
import Jobs
import JobStore

struct CancelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Ends jobs for good. A running one is stopped with a resume point; `retry` takes it up again.")

    @OptionGroup var options: QueueOptions

    @Argument(help: "Jobs: their numbers or names.")
    var jobs: [String]

    @Flag(help: "As JSON.")
    var json = false

    func run() throws {
        try options.change(jobs, in: [.queued, .running], json: json) { store, job, configuration in
            let state = try store.cancel(job.number, daemonRuns: QueueOptions.daemonRuns(configuration))
            return (state, state == .running ? "is asked to stop" : "is cancelled")
        }
    }
}
