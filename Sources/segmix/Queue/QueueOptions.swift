import ArgumentParser
import Foundation
import Jobs
import JobStore
import Pipeline

/// What every command about the queue takes.
struct QueueOptions: ParsableArguments {
    @Option(help: "The configuration file.")
    var config = Configuration.defaultPath

    func configuration() throws -> Configuration {
        do { return try ConfigurationFile.read(config) } catch { throw JobFailure(error) }
    }

    /// Opens the queue and does something with it.
    func withQueue<Result>(forReading: Bool, _ body: (JobStore, Configuration) throws -> Result) throws -> Result {
        let configuration = try configuration()
        do {
            return try body(try JobStore.open(StateDirectory(configuration.state), forReading: forReading), configuration)
        } catch let error as StoreError {
            throw JobFailure(error)
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
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.dateEncodingStrategy = .iso8601
    print(String(decoding: try encoder.encode(value), as: UTF8.self))
}
