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

/// What every command about a job takes.
struct JobOptions: ParsableArguments {
    @Argument(help: "The job's folder: photos, metadata.jsonl, job.yaml.", completion: .directory)
    var job: String

    @Option(help: "The configuration file.", completion: .file(extensions: ["yaml", "yml"]))
    var config = Configuration.defaultPath

    @Option(name: .customLong("set"), help: ArgumentHelp("Overrides a key of the job spec.", valueName: "key=value"))
    var settings: [String] = []

    @Option(help: ArgumentHelp("Which of the folder's specs; needed only where it has several.", valueName: "file"), completion: .file(extensions: ["yaml", "yml"]))
    var spec: String?

    func validate() throws { try Self.check(settings) }

    /// - Throws: `ValidationError` for what sets nothing.
    static func check(_ settings: [String]) throws {
        for setting in settings where !setting.contains("=") {
            throw ValidationError("--set \(setting) sets nothing; write --set key=value, such as --set learning_rate=1e-4")
        }
    }

    /// Where a daemon has written down the configuration that holds, for the workers that it starts.
    @Option(help: ArgumentHelp("What holds instead of the configuration file.", visibility: .hidden))
    var configurationSnapshot: String?

    /// The job, its model and what it is prepared with.
    /// - Throws: `FaultList` with every fault.
    func load() throws -> (Job, Configuration.Model, Preparation.Means) {
        let (job, configuration) = try read(for: .training)
        let model = try configuration.model(for: job.specification)
        return (job, model, Preparation.Means(configuration, model: model))
    }

    /// The job and what it is prepared with; a job that lacks nothing but masks needs no model to be set up.
    /// - Throws: `FaultList` with every fault.
    func loadForPreparation() throws -> (Job, Preparation.Means) {
        let (job, configuration) = try read(for: .preparation)
        let model = try configuration.models.isEmpty && !job.lacksPriors ? nil : configuration.model(for: job.specification)
        return (job, Preparation.Means(configuration, model: model))
    }

    private func read(for purpose: Job.Purpose) throws -> (Job, Configuration) {
        let configuration = try handedOver() ?? ConfigurationFile.read(config)
        let folder = JobFolder(try absolute(job))
        do {
            var job = try Job.load(folder, specificationFile: spec, configuration: configuration, settings: settings, for: purpose)
            // As the report says it: another configuration may have another only one.
            job.specification.model = configuration.modelName(for: job.specification)
            return (job, configuration)
        } catch {
            // Where it is known which one it is, the model is looked at too.
            let files = (try? folder.specificationFiles().map(\.file)) ?? [], file = spec ?? (files.count == 1 ? files[0] : nil)
            let isKnown = purpose == .training && settings.isEmpty && file.map { files.contains($0) } ?? false
            let text = configuration.specification(file, in: folder), model = isKnown ? try? configuration.model(for: text) : nil
            throw FaultList(error.faults + JobCheck.pictureFaults(in: folder) + ((try? model.map { try JobCheck.modelFaults(of: text, $0) }) ?? []))
        }
    }

    private func handedOver() throws -> Configuration? { try configurationSnapshot.flatMap { try ConfigurationSnapshot.read($0) } }
}

/// The configuration as commands read it.
enum ConfigurationFile {
    /// The default file may be missing: then the defaults hold, and models are named by their absolute paths.
    static func read(_ path: String) throws -> Configuration {
        var status = stat()
        // One that may not be read, or a link that leads nowhere, is said.
        if path == Configuration.defaultPath, lstat(path, &status) != 0, errno == ENOENT || errno == ENOTDIR { return Configuration() }
        return try Configuration.load(path)
    }
}
