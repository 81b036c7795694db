import Foundation
import Testing

/// A run that is ended at any moment and started again gives, bit for bit, what the run that was never ended gives.
@Suite(.serialized) struct InterruptionTests {
    private static let steps = 90
    private static let lora = "pytorch_lora_weights.safetensors"
    /// The LoRA of the run that nobody disturbs.
    private static let undisturbed = Result { try whole() }

    private static func whole() throws -> (lora: Data, saved: Data, losses: [Double]) {
        let place = try workplace(), end = try place.train()
        guard end.status == 0 else { throw Failure(errors: end.errors) }
        return (try place.data("out/" + lora), try place.data("out/save-40/" + lora), losses(place))
    }

    private struct Failure: Error { let errors: String }

    private static func workplace() throws -> Workplace { try Workplace(steps: steps, more: "checkpointing_steps: 7\ncheckpoints_total_limit: 2\nsave_steps: 40") }
    private static func losses(_ place: Workplace) -> [Double] { place.metrics().map { $0["loss"] as! Double } }

    private func expectUndisturbed(_ place: Workplace) throws {
        let (lora, saved, losses) = try Self.undisturbed.get()
        #expect(try place.data("out/" + Self.lora) == lora)
        #expect(try place.data("out/save-40/" + Self.lora) == saved)
        #expect(place.metrics().map { $0["step"] as! Int } == Array(1...Self.steps))
        #expect(Self.losses(place) == losses)
        #expect(place.names("out").allSatisfy { !$0.hasPrefix(".") || $0 == ".segmixd" }, "temporaries are left: \(place.names("out"))")
    }

    /// A stop in the pictures after the last step: the training is done, and they are not.
    @Test func stoppingInTheLastPictures() throws {
        let place = try Workplace(steps: 2, more: "validation_prompt: a corgi\nvalidation_steps: 2\nnum_validation_images: 60")
        try place.replace("render: {steps: 2}", "render: {steps: 20}", in: "toys/job.yaml")
        func pictures() -> Int { place.names("out/samples").count { $0.hasPrefix("step-000002-") && $0.hasSuffix(".png") } }
        let running = try place.starting("train")
        running.until { pictures() > 0 }
        running.send(SIGTERM)
        let end = running.end()
        try #require(end.status == 75 && pictures() < 60, "\(end.status): \(end.errors), \(pictures())")
        #expect(end.output.contains("stopped with the training done") && !place.exists("out/report.json"))
        #expect(try place.train("--resume").status == 0 && pictures() == 60)
    }

    @Test func sigkillAtThreeMoments() throws {
        let place = try Self.workplace()
        var more: [String] = []
        for moment in [1, 20, 45] {
            let running = try place.starting("train", more)
            running.until { place.stepsWritten() >= moment }
            running.send(SIGKILL)
            let end = running.end()
            try #require(end.signal == SIGKILL, "it was done before it could be killed: \(end.errors)")
            #expect(!place.exists("out/" + Self.lora))
            more = ["--resume"]
        }
        #expect(place.names("out/.segmixd/resume").contains { $0.hasPrefix("step-") })
        let end = try place.train("--resume")
        #expect(end.status == 0, "\(end.errors)")
        #expect(end.output.contains("training goes on after step"))
        try expectUndisturbed(place)
    }

    @Test(arguments: [SIGTERM, SIGINT]) func stoppingLeavesAResumePoint(_ signal: Int32) throws {
        let place = try Self.workplace(), running = try place.starting("train")
        running.until { place.stepsWritten() >= 10 }
        let seen = place.stepsWritten()
        running.send(signal)
        let end = running.end()
        try #require(end.status == 75, "\(end.status): \(end.errors)")
        let done = place.metrics().count
        #expect(done >= seen && done <= seen + 10, "it stopped after step \(done), asked to after \(seen)")
        #expect(place.names("out/.segmixd/resume").last == String(format: "step-%06d.safetensors", done))
        #expect(end.output.contains("stopped after step \(done) of \(Self.steps)"))
        #expect(!place.exists("out/" + Self.lora))

        // Without --resume nothing of it is touched.
        let refused = try place.train()
        #expect(refused.status == 64 && refused.errors.contains("holds a run already"), "\(refused.errors)")
        let resumed = try place.train("--resume")
        #expect(resumed.status == 0 && resumed.output.contains("training goes on after step \(done)"), "\(resumed.errors)")
        try expectUndisturbed(place)
    }

    /// `timeout` tells its child and then the child's group, shells pass on what the kernel sends as well.
    @Test func oneWishToldTwice() throws {
        let place = try Self.workplace(), running = try place.starting("train")
        running.until { place.stepsWritten() >= 10 }
        for pause in [0, 2000, 20_000] as [useconds_t] {
            usleep(pause)
            running.send(SIGTERM)
        }
        let end = running.end()
        #expect(end.status == 75, "\(end.status): \(end.errors)")
        #expect(place.names("out/.segmixd/resume").last == String(format: "step-%06d.safetensors", place.metrics().count))
    }

    /// Whoever is to read what it says has stopped to do so: a daemon that is suspended, a terminal that is held.
    @Test(.timeLimit(.minutes(2))) func aReaderThatDoesNotReadHoldsNothingUp() throws {
        let place = try Self.workplace()
        let pipe = Pipe()
        // One page: some thirty lines.
        let size: Int32 = 1031 // F_SETPIPE_SZ
        try #require(fcntl(pipe.fileHandleForWriting.fileDescriptor, size, 4096) == 4096)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Program.segmix.path)
        process.arguments = ["train", place.job, "--config", place.configuration, "--output", place.output]
        process.environment = ProcessInfo.processInfo.environment.merging(["SEGMIX_THREADS": "1", "SEGMIX_PROGRESS": "json"]) { $1 }
        process.standardOutput = pipe
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        try expectUndisturbed(place)
        try pipe.fileHandleForWriting.close()
        let said = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let lines = said.split(separator: "\n")
        #expect(!lines.isEmpty && lines.count < Self.steps && lines.allSatisfy { $0.hasPrefix("{") && $0.hasSuffix("}") }, "\(lines.last ?? "")")
    }

    /// The newest resume point is damaged: the one before it is used.
    @Test func aDamagedResumePointCostsOnlyItsSteps() throws {
        let place = try Self.workplace(), running = try place.starting("train")
        running.until { place.names("out/.segmixd/resume").filter { $0.hasPrefix("step-") }.count >= 2 }
        running.send(SIGKILL)
        try #require(running.end().signal == SIGKILL)
        let points = place.names("out/.segmixd/resume").filter { $0.hasPrefix("step-") }, newest = "out/.segmixd/resume/" + points.last!
        try place.write(place.data(newest).dropLast(100), newest)
        let resumed = try place.train("--resume")
        #expect(resumed.status == 0 && resumed.output.contains("\(points.last!) is damaged, or of another segmixd, and was passed over"), "\(resumed.output)\(resumed.errors)")
        try expectUndisturbed(place)
    }

    /// Two in one directory would write each other's steps.
    @Test func aDirectoryIsForOneProcess() throws {
        let place = try Self.workplace(), running = try place.starting("train")
        running.until { place.stepsWritten() >= 3 }
        for second in [try place.train("--resume"), try place.starting("run").end()] {
            #expect(second.status == 74 && second.errors.contains("another segmix works in \(place.output)"), "\(second.status): \(second.errors)")
        }
        #expect(running.end().status == 0)
        try expectUndisturbed(place)
    }

    /// A photo that is exchanged while the run reads it would give a LoRA of neither.
    @Test func aPhotoExchangedMeanwhileIsNamed() throws {
        let place = try Self.workplace(), running = try place.starting("train")
        running.until { place.stepsWritten() >= 5 }
        try place.write(place.data("toys/b00.png"), "toys/a00.png")
        let end = running.end()
        #expect(end.status == 65, "\(end.status)")
        #expect(end.errors.hasPrefix("a00.png: was changed while the job ran") && !end.errors.contains("b00.png"), "\(end.errors)")
        #expect(!place.exists("out/" + Self.lora))
    }

    /// Nor is anything kept of it by a stop: what was there before the exchange goes on when the photo is back.
    @Test func aPhotoExchangedBeforeAStopSpoilsNoResumePoint() throws {
        let place = try Self.workplace(), running = try place.starting("train")
        running.until { place.stepsWritten() >= 9 }
        let photo = try place.data("toys/a00.png")
        try place.write(place.data("toys/b00.png"), "toys/a00.png")
        running.send(SIGTERM)
        let end = running.end()
        #expect(end.status == 65 && end.errors.hasPrefix("a00.png: was changed while the job ran"), "\(end.status): \(end.errors)")
        try place.write(photo, "toys/a00.png")
        let resumed = try place.train("--resume")
        #expect(resumed.status == 0, "\(resumed.errors)")
        try expectUndisturbed(place)
    }

    @Test func anotherSettingOrPhotoIsAnotherRun() throws {
        let place = try Self.workplace(), running = try place.starting("train")
        running.until { place.stepsWritten() >= 8 }
        running.send(SIGTERM)
        try #require(running.end().status == 75)
        try place.replace("learning_rate: 0.003", "learning_rate: 0.002", in: "toys/job.yaml")
        let rate = try place.train("--resume")
        #expect(rate.status == 65 && rate.errors.contains("learning_rate 0.003, and this one has 0.002"), "\(rate.errors)")
        try place.replace("learning_rate: 0.002", "learning_rate: 0.003", in: "toys/job.yaml")
        try place.replace("\"text\": \"a photo of hta corgi\"}\n{\"id\": \"b\"", "\"text\": \"my dog\"}\n{\"id\": \"b\"", in: "toys/metadata.jsonl")
        let captions = try place.train("--resume")
        #expect(captions.status == 65 && captions.errors.contains("metadata.jsonl is not what it was when"), "\(captions.errors)")
        try place.replace("\"text\": \"my dog\"}\n{\"id\": \"b\"", "\"text\": \"a photo of hta corgi\"}\n{\"id\": \"b\"", in: "toys/metadata.jsonl")
        let photo = try place.data("toys/a00.png")
        // The same picture in another file.
        try place.write(photo + [0], "toys/a00.png")
        let other = try place.train("--resume")
        #expect(other.status == 65 && other.errors.contains("a00.png is not what it was when"), "\(other.errors)")
        try place.write(photo, "toys/a00.png")
        #expect(try place.train("--resume").status == 0)
    }

    /// Another layout after a stop among the final pictures: none of the old ones is left, and no layout that nothing goes by.
    @Test func finalPicturesOfOtherSettingsAreDrawnAnew() throws {
        let place = try Workplace(steps: 2), layout = "layout: {a: [0, 0, 0.5, 1], b: [0.5, 0, 1, 1]}, "
        let scales = (1...40).map { "\(Double($0) / 20)" }.joined(separator: ", ")
        let render = "prompts: [an olis toy and a hta corgi], gamma: 0.07, steps: 100"
        try place.replace("{steps: 2}", "{seeds: [4], lora_scale: [\(scales)], \(render)}", in: "toys/job.yaml")
        let running = try place.starting("run")
        running.until { place.exists("out/samples/final-05.png") }
        running.send(SIGTERM)
        try #require(running.end().status == 75)
        let few = scales.split(separator: ", ").prefix(4).joined(separator: ", ")
        try place.replace("lora_scale: [\(scales)], ", "lora_scale: [\(few)], \(layout)", in: "toys/job.yaml")
        for folder in ["out", "fresh"] { try #require(try place.starting("run", to: folder).end().status == 0) }
        // Of each phase a line or two, whatever is said of each step.
        #expect(try place.text("fresh/job.log").split(separator: "\n").count { $0.hasPrefix("render ") } < 20)
        #expect(place.names("out/samples") == place.names("fresh/samples") && place.names("out/samples").count == 6)
        for name in place.names("fresh/samples") { #expect(try place.data("out/samples/" + name) == place.data("fresh/samples/" + name), "\(name)") }
    }

    /// A stop after the training loses none of it, and says what is still to do.
    @Test(arguments: [("final 1 of", "steps: 1000"), ("scoring the pictures", "steps: 1, seeds: [\((1...60).map(String.init).joined(separator: ", "))]")])
    func stoppingAfterTheTraining(_ moment: String, _ render: String) throws {
        let place = try Workplace(steps: 3)
        try place.replace("{steps: 2}", "{prompts: [a photo of olis toy and hta corgi], \(render)}", in: "toys/job.yaml")
        try place.useLookingModels()
        let running = try place.starting("run")
        running.until { running.output.contains(moment) }
        running.send(SIGTERM)
        let end = running.end()
        try #require(end.status == 75, "\(end.status): \(end.errors)")
        #expect(end.output.contains("stopped with the training done"), "\(end.output)")
        #expect(place.exists("out/" + Self.lora) && !place.exists("out/report.json"))
        let lora = try place.data("out/" + Self.lora)
        let resumed = try place.starting("run").end()
        #expect(resumed.status == 0, "\(resumed.errors)")
        let report = try #require(try JSONSerialization.jsonObject(with: place.data("out/report.json")) as? [String: Any])
        let scored = try #require((report["scores"] as? [String: Any])?["pictures"] as? [[String: Any]])
        #expect(scored.count == place.names("out/samples").count { $0.hasPrefix("final-") && $0.hasSuffix(".png") })
        #expect(try place.data("out/" + Self.lora) == lora && place.stepsWritten() == 3)
        // Nobody else keeps one.
        let log = try place.text("out/job.log").split(separator: "\n")
        for said in ["train 3/3, loss ", "stopped with the training done", "done: "] { #expect(log.count { $0.hasPrefix(said) } == 1, "\(said) in \(log)") }
    }
}
