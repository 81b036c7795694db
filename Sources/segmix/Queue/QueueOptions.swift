import ArgumentParser
import Files
import Foundation
import Jobs
import JobStore
import Pipeline

/// What every command about the queue takes.
struct QueueOptions: ParsableArguments {
    @Option(help: "The configuration file.", completion: .file(extensions: ["yaml", "yml"]))
    var config = Configuration.defaultPath

    func configuration() throws -> Configuration { try ConfigurationFile.read(config) }

    /// Opens the queue and does something with it.
    func withQueue<Result>(forReading: Bool, _ body: (JobStore, Configuration) throws -> Result) throws -> Result {
        let configuration = try configuration()
        do {
            return try body(try JobStore.open(StateDirectory(configuration.state), forReading: forReading), configuration)
        } catch let error as StoreError {
            throw JobFailure(error)
        }
    }

    /// Does something to each of several jobs, says what became of it, and only then what could not be done.
    ///
    /// - Parameters:
    ///   - jobs: as somebody calls them.
    ///   - states: those in which it can be done.
    ///   - change: gives the job's state afterwards, and the end of a sentence about it.
    func change(
        _ jobs: [String], in states: Set<JobState>, json: Bool, _ change: (JobStore, JobSummary, Configuration) throws -> (JobState, String)
    ) throws {
        try withQueue(forReading: false) { store, configuration in
            var reached: [String: JobState] = [:], failures: [StoreError] = []
            for text in jobs {
                do {
                    let job = try store.find(text, in: states), (state, words) = try change(store, job, configuration)
                    reached[String(job.number)] = state
                    if !json { print("job \(job.number) (\(job.name.onOneLine())) \(words)") }
                } catch let error as StoreError {
                    failures.append(error)
                }
            }
            if json { try printJSON(reached) }
            if let first = failures.first { throw StoreError(first.kind, failures.map(\.description).joined(separator: "\n")) }
        }
    }

    /// Whether a daemon works with this queue now.
    static func daemonRuns(_ configuration: Configuration) -> Bool { StateLock.isHeld(StateDirectory(configuration.state)) }
}

extension JobFailure {
    init(_ error: StoreError) {
        let status: ExitStatus = switch error.kind {
        case .noQueue: .unavailable
        case .damaged, .inputOutput: .inputOutput
        case .noSuchJob, .notPossible: .badInput
        }
        self.init(status, error.description)
    }
}

/// JSON as scripts want it: sorted keys, times in ISO 8601.
func printJSON(_ value: some Encodable) throws {
    print(String(decoding: try JSONEncoder([.prettyPrinted, .sortedKeys, .withoutEscapingSlashes], dates: .iso8601).encode(value), as: UTF8.self))
}
