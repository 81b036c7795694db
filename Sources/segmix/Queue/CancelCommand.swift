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
        try options.withQueue(forReading: false) { store, configuration in
            let daemonRuns = QueueOptions.daemonRuns(configuration)
            var states: [String: JobState] = [:]
            for job in try jobs.map(store.find) {
                let state = try store.cancel(job.number, daemonRuns: daemonRuns)
                states[String(job.number)] = state
                if !json { print("job \(job.number) (\(job.name)) \(state == .running ? "is asked to stop" : "is cancelled")") }
            }
            if json { try printJSON(states) }
        }
    }
}
