import ArgumentParser
import Foundation
import Jobs
import Pipeline

@main
struct Segmix: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "segmix",
        abstract: "Trains Seg-Mix LoRAs for SDXL: several subjects in one picture, without mixing their identities.",
        version: "segmix \(Release.version)",
        subcommands: [
            CheckCommand.self, PrepareCommand.self, RunCommand.self, TrainCommand.self, RenderCommand.self, DetectCommand.self, SegmentCommand.self,
            EmbedCommand.self, ScoreCommand.self, DemoCommand.self, MakeModelCommand.self,
        ] + [SubmitCommand.self, StatusCommand.self, CancelCommand.self, RetryCommand.self, LogsCommand.self])

    /// Our own end of the program: ArgumentParser's for usage, the contract's statuses for everything else.
    static func main() {
        ProcessSetting.prepare("segmix")
        var command: any ParsableCommand
        do { command = try parseAsRoot() } catch { exit(withError: error) }
        do {
            do throws(Fault) { try EngineVariables.check() } catch { throw JobFailure(.usage, error.message) }
            try command.run()
            try StandardOutput.requireWritten()
        } catch where exitCode(for: error).isSuccess {
            // Help is an error to ArgumentParser.
            exit(withError: error)
        } catch {
            let failure = JobFailure(error)
            FileHandle.standardError.write(Data((failure.description + "\n").utf8))
            Foundation.exit(failure.status.rawValue)
        }
    }
}
