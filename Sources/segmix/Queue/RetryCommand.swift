import ArgumentParser
import Foundation
import Jobs
import JobStore

struct RetryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Puts jobs that failed or were cancelled into the queue again; they go on from their resume points.")

    @OptionGroup var options: QueueOptions

    @Argument(help: "Jobs: their numbers or names.")
    var jobs: [String]

    @Flag(help: "As JSON.")
    var json = false

    func run() throws {
        try options.withQueue(forReading: false) { store, configuration in
            var states: [String: JobState] = [:]
            for job in try jobs.map(store.find) {
                states[String(job.number)] = try store.retry(job.number)
                if !json { print("job \(job.number) (\(job.name)) is in the queue again") }
            }
            if json { try printJSON(states) }
            if !json, !QueueOptions.daemonRuns(configuration) { print("segmixd is not running; it goes on when it starts") }
        }
    }
}
