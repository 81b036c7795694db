import ArgumentParser
import Foundation
import Jobs
import Pipeline

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

/// What commands that only look at models and pictures take.
struct ConfigurationOptions: ParsableArguments {
    @Option(help: "The configuration file.", completion: .file(extensions: ["yaml", "yml"]))
    var config = Configuration.defaultPath

    /// From now on models on other machines are read from copies on this one.
    func configuration() throws -> Configuration {
        let configuration = try ConfigurationFile.read(config)
        Preparation.Means(configuration, model: nil).keepLocalCopies()
        return configuration
    }
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

/// A path that does not depend on the working directory.
/// - Throws: `JobFailure` where it does, and that directory is gone.
func absolute(_ path: String) throws -> String {
    if !path.hasPrefix("/") {
        guard let working = getcwd(nil, 0) else {
            throw JobFailure(.badInput, "The working directory, which \(path) is relative to, cannot be told: \(String(cString: strerror(errno))). Change to one that is there, or give an absolute path.")
        }
        free(working)
    }
    return URL(fileURLWithPath: path).standardizedFileURL.path
}
