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
        try options.change(jobs, in: [.failed, .cancelled], json: json) { store, job, _ in (try store.retry(job.number), "is in the queue again") }
        if !json, !QueueOptions.daemonRuns(try options.configuration()) { print("segmixd is not running; it goes on when it starts") }
    }
}
