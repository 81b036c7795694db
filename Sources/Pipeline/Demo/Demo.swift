import Files
import Foundation
import Jobs

/// The demonstration: a model, a job and a configuration of our own, run through the real inbox by the real daemon.
public struct Demo {
    /// The working folder, absolute: not there yet, or empty.
    public let output: String
    /// Its directories absolute; nil: a small one with random weights is made.
    public let model: Configuration.Model?
    public let steps: Int

    public init(output: String, model: Configuration.Model? = nil, steps: Int = 16) {
        precondition(output.hasPrefix("/"), "Demo: \(output)")
        (self.output, self.model, self.steps) = (output, model, steps)
    }

    static let jobName = "robot-and-dog"

    /// Runs it, saying what happens line by line.
    ///
    /// - Returns: the status with which the command ends: the daemon's, or 70 where it left no result.
    /// - Throws: `JobFailure`: usage for a working folder with something in it, unavailable where the model or the daemon is missing;
    ///   `FileError`, and what making the model throws.
    public func run(say: (String) -> Void) throws -> Int32 {
        let clock = ContinuousClock()
        let start = clock.now
        func seconds(since moment: ContinuousClock.Instant) -> String {
            (clock.now - moment).formatted(.units(allowed: [.minutes, .seconds], width: .abbreviated))
        }
        if let base = model?.base, !Folder.leadsToDirectory(base) {
            throw JobFailure(.unavailable, "\(base): the model's directory is not there; give a directory in diffusers layout")
        }
        let daemon = try Self.daemonPath()
        try prepareFolder()

        var used = model
        if used == nil {
            let made = Directory.joined(output, "model")
            let parts = try ModelMaker(preset: .small, seed: 1).write(to: made)
            say("Made a small SDXL model with random weights (\(parts.reduce(0) { $0 + $1.bytes } >> 20) MiB): \(made)")
            used = Configuration.Model(base: made)
        }
        for name in ["inbox", "outbox", "state"] { try Directory.create(Directory.joined(output, name)) }
        let configuration = Directory.joined(output, "segmixd.yaml")
        try AtomicFile.write(Self.configuration(used!), to: configuration)
        say("Wrote the configuration: \(configuration)")

        let job = "\(output)/inbox/\(Self.jobName)"
        try DemoJob.write(to: job, steps: steps)
        say("Drew photos of a toy robot and a spotted dog, and dropped them into the inbox: \(job)")

        say("Starting \(daemon) --config \(configuration) --drain")
        let began = clock.now
        let status = try Self.runDaemon(daemon, configuration: configuration)
        say("The daemon ended after \(seconds(since: began)).")
        let delivered = try reportResult(status, say: say)
        if delivered { say("The demonstration took \(seconds(since: start)) in all.") }
        return status != 0 ? status : delivered ? 0 : ExitStatus.software.rawValue
    }

    private func prepareFolder() throws {
        try Directory.create(output)
        guard try Folder.names(output).isEmpty else {
            throw JobFailure(.usage, "\(output): there is something in it already; remove it, or name another folder with --output")
        }
    }

    private static func configuration(_ model: Configuration.Model) -> String {
        let others = [("vae", model.vae), ("variant", model.variant?.rawValue)].compactMap { key, value in value.map { "\n    \(key): \(JSON.quoted($0))" } }
        return """
        # The demonstration's own configuration: everything beside this file.
        inbox: inbox
        outbox: outbox
        state: state
        settle_seconds: 1
        rescan_seconds: 2
        min_free_space: 200 MiB
        models:
          demo:
            base: \(JSON.quoted(model.base))\(others.joined())

        """
    }

    /// The `segmixd` beside this program.
    private static func daemonPath() throws -> String {
        let daemon = Directory.joined(Directory.parent(of: try Directory.thisProgram()), "segmixd")
        guard access(daemon, X_OK) == 0 else {
            throw JobFailure(.unavailable, "\(daemon): the daemon is not beside segmix; build or install both programs (make build)")
        }
        return daemon
    }

    /// Runs the daemon with our own output. It is in a group of its own, where no interrupt from the terminal reaches it: ours is passed on.
    private static func runDaemon(_ daemon: String, configuration: String) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: daemon)
        process.arguments = ["--config", configuration, "--drain"]
        process.standardInput = FileHandle.nullDevice
        // What was printed so far comes before what the daemon prints.
        fflush(nil)
        do {
            try process.run()
        } catch {
            throw FileError("run", daemon, reason: "it cannot be started (\(error.localizedDescription))", remedy: "Build both programs again (make build)")
        }
        let daemon = process.processIdentifier
        let signals = [SIGINT, SIGTERM], interrupts = signals.map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { kill(daemon, SIGTERM) }
            source.resume()
            return source
        }
        defer {
            for source in interrupts { source.cancel() }
            // What is ignored is ignored by programs that are started later, too.
            for number in signals { signal(number, SIG_DFL) }
        }
        process.waitUntilExit()
        return process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
    }

    /// Says what is in the outbox; whether the job's result is there.
    private func reportResult(_ status: Int32, say: (String) -> Void) throws -> Bool {
        let result = "\(output)/outbox/\(Self.jobName)", failed = result + ".failed"
        guard Folder.isDirectory(result) else {
            if let text = try Folder.contents(of: failed + "/error.txt", limit: 1 << 20) {
                say("The job failed:\n" + String(decoding: text, as: UTF8.self))
                say("Everything it left: \(failed)")
            } else {
                say("The daemon ended with status \(status) and left no result in \(output)/outbox.")
            }
            return false
        }
        say("The result: \(result)")
        for (file, what) in [
            ("pytorch_lora_weights.safetensors", "LoRA for diffusers"), ("\(Self.jobName).safetensors", "LoRA for ComfyUI, A1111 and kohya"),
            ("report.html", "the report, for a browser"), ("report.json", "the report, for programs"), ("metrics.jsonl", "loss of every step"),
        ] where Folder.exists("\(result)/\(file)") {
            say("  \(result)/\(file)  \(what)")
        }
        for picture in Self.pictures(below: "\(result)/samples") { say("  \(picture)") }
        return true
    }

    private static func pictures(below folder: String) -> [String] {
        guard let names = FileManager.default.enumerator(atPath: folder) else { return [] }
        return names.compactMap { $0 as? String }.filter { $0.hasSuffix(".png") }.sorted().map { Directory.joined(folder, $0) }
    }
}
