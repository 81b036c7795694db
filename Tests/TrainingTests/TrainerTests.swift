import CPUDevice
import Diffusion
import Foundation
import ModelGoldens
import Tensors
import Testing
@testable import Training
import Weights

@Suite(.serialized) struct TrainerTests {
    private static let all = Set(1...100)

    @Test func aRunStoppedAfterEveryStepIsTheRunThatWasNot() throws {
        let run = try SmallRun()
        let whole = try run.go(in: "whole", traces: true)
        #expect(whole.outcome == .finished && whole.observer.records.map(\.step) == [1, 2, 3, 4] && whole.observer.started == [0])

        var last = whole, parts = 0, records: [StepRecord] = []
        repeat {
            last = try run.go(in: "parts", stopAfter: Self.all, traces: true)
            #expect(last.observer.started == [parts] && last.observer.records.count == 1)
            records += last.observer.records
            parts += 1
            if parts < 4 { try #require(last.outcome == .stopped(after: parts)) }
        } while last.outcome != .finished && parts < 9
        #expect(parts == 4)
        #expect(last.weights == whole.weights)
        #expect(records.map(\.loss) == whole.observer.records.map(\.loss))
        #expect(records.map(\.gradientNorm) == whole.observer.records.map(\.gradientNorm))
        // The trace goes on without a gap, and is the same to the byte.
        let names = run.scratch.names("whole/trace")
        #expect(names == ["lora-final.safetensors", "lora-initial.safetensors"] + (0..<8).map { "step-00000\($0).safetensors" })
        #expect(run.scratch.names("parts/trace") == names)
        for name in names {
            let part = try run.scratch.data("parts/trace/" + name), all = try run.scratch.data("whole/trace/" + name)
            #expect(part == all, "\(name)")
        }
        // Stopped while it makes up for what a stop had kept it from, it trains nothing before that is made.
        _ = try run.go(in: "late", stopAfter: [1])
        let late = try run.go(in: "late", stopsAtStart: true)
        #expect(late.outcome == .stopped(after: 1) && late.observer.started == [1] && late.observer.records.isEmpty)
        #expect(try run.go(in: "late").weights == whole.weights)
        // A finished run, started again, has nothing to do.
        let again = try run.go(in: "parts")
        #expect(again.outcome == .finished && again.observer.records.isEmpty && again.weights == whole.weights)
    }

    @Test func whatTrainingDoes() throws {
        let run = try SmallRun()
        let end = try run.go(in: "out")
        let records = end.observer.records
        for record in records {
            #expect(record.loss.isFinite && record.loss > 0 && record.gradientNorm > 0 && record.examples == 4)
            #expect(abs(record.loss - (record.instanceLoss + record.priorLoss!)) < 1e-12)
        }
        #expect(records.map(\.learningRate) == (0..<4).map { run.settings.schedule.rate(at: $0) })
        #expect(records.reduce(0) { $0 + $1.composites } > 0 && records.reduce(0) { $0 + $1.composites } < 16)
        // B starts at 0, and the first step's learning rate is 0 too.
        let ups = end.weights.filter { $0.key.hasSuffix("lora_B.weight") }
        #expect(!ups.isEmpty && ups.allSatisfy { $0.value.contains { $0 != 0 } })
        #expect(end.weights.values.allSatisfy { $0.allSatisfy(\.isFinite) })
    }

    @Test func bfloat16() throws {
        var run = try SmallRun()
        let wide = try run.go(in: "wide")
        run.settings.precision = .bfloat16
        let whole = try run.go(in: "whole")
        _ = try run.go(in: "parts", stopAfter: [1])
        _ = try run.go(in: "parts", stopAfter: [3])
        let parts = try run.go(in: "parts")
        #expect(parts.outcome == .finished && parts.weights == whole.weights)
        // Not the same numbers as float32's, but the same training.
        for (a, b) in zip(whole.observer.records, wide.observer.records) {
            #expect(a.loss != b.loss && abs(a.loss / b.loss - 1) < 2e-2, "step \(a.step): \(a.loss), not \(b.loss)")
        }
        #expect(whole.weights != wide.weights)

        run.hasPriors = false
        run.settings.dcoBeta = 50
        // B = 0 at first: to the bit the model without its LoRA, in bfloat16 too.
        let preference = try run.go(in: "preference")
        #expect(abs(preference.observer.records[0].loss - log(2)) < 1e-9 && preference.observer.records[3].loss != preference.observer.records[0].loss)
    }

    @Test func checkpointingAndDCO() throws {
        var run = try SmallRun(steps: 3)
        run.hasPriors = false
        run.settings.dcoBeta = 50
        let plain = try run.go(in: "plain")
        // B = 0 at first: the model is the one without its LoRA, so each loss of the first step is log 2.
        #expect(abs(plain.observer.records[0].loss - log(2)) < 1e-9)
        #expect(plain.observer.records[2].loss != plain.observer.records[0].loss && plain.observer.records[0].priorLoss == nil)
        // What is kept decides no number.
        #expect(try run.go(in: "recomputed", keep: .recompute).weights == plain.weights)
        // Priors beside it: the photos' half alone has a reference.
        run.hasPriors = true
        let both = try run.go(in: "both")
        #expect(abs(both.observer.records[0].instanceLoss - plain.observer.records[0].instanceLoss) < 1 && both.observer.records[0].priorLoss! > 0)
        #expect(try run.go(in: "both-again", keep: .recompute).weights == both.weights)
    }

    /// A run goes on with another choice of what is kept, and is the run that was never stopped.
    @Test(arguments: ["odd-a", "odd-b"]) func whatIsKeptMayChangeBetweenTwoParts(_ name: String) throws {
        let run = try SmallRun(steps: 3, model: name), whole = try run.go(in: "whole")
        let planner = try StepPlanner(run.model, settings: run.settings, batch: .init(images: 2, instances: 1, side: 64))
        let paths = planner.blocks().map(\.path)
        #expect(Set(paths).count == paths.count && paths.contains { $0.contains("transformer_blocks") } && paths.contains { $0.contains("resnets") })
        _ = try run.go(in: "parts", stopAfter: [1], keep: .recompute)
        _ = try run.go(in: "parts", stopAfter: [2], keep: .recomputeOnly(Set(paths.enumerated().filter { $0.offset % 3 == 1 }.map(\.element))))
        let end = try run.go(in: "parts", keep: .keepEverything)
        #expect(end.observer.started == [2] && end.weights == whole.weights)
    }

    /// A resume point after the steps that ask for one and after the last; another seed is another run.
    @Test func resumePointsComeWhenTheyAreDue() throws {
        var run = try SmallRun(steps: 5)
        run.resumeEvery = 2
        _ = try run.go(in: "out", stopAfter: [3])
        #expect(run.scratch.names("out/resume") == ["step-000002.safetensors", "step-000003.safetensors"])
        let end = try run.go(in: "out")
        #expect(end.observer.started == [3] && run.scratch.names("out/resume") == ["step-000004.safetensors", "step-000005.safetensors"])
        run.settings.seed = 12
        do {
            _ = try run.go(in: "out")
            Issue.record("another seed went on with the run")
        } catch let error as TrainingError {
            #expect(error.description.contains("seed 11, and this one has 12"), "\(error)")
        }
    }

    @Test func damagedResumePointsAreNoted() throws {
        let run = try SmallRun(steps: 3)
        let whole = try run.go(in: "whole")
        _ = try run.go(in: "out", stopAfter: [2])
        var newest = try run.scratch.data("out/resume/step-000002.safetensors")
        newest[newest.count - 3] ^= 64
        try run.scratch.write(newest, to: "out/resume/step-000002.safetensors")
        let end = try run.go(in: "out")
        #expect(end.observer.notes.count == 1 && end.observer.notes[0].contains("step-000002.safetensors is damaged"))
        #expect(end.observer.started == [1] && end.weights == whole.weights)
    }

    /// A model that gives no numbers: the step is refused, and what was learned before it stays.
    @Test func aLossThatIsNoNumberIsRefused() throws {
        var run = try SmallRun()
        _ = try run.go(in: "out", stopAfter: [2], traces: true)
        #expect(try Trainer.knownFingerprint(in: run.scratch.path + "/out/resume")?["seed"] == "11" && Trainer.knownFingerprint(in: run.scratch.path) == nil)
        let points = run.scratch.names("out/resume"), traced = run.scratch.names("out/trace"), kept = try run.scratch.data("out/resume/step-000002.safetensors")

        let broken = run.scratch.path + "/broken"
        try FileManager.default.copyItem(atPath: run.model.path, toPath: broken)
        let path = broken + "/unet/diffusion_pytorch_model.safetensors"
        let file = try SafetensorsFile(path)
        var writer = SafetensorsWriter(metadata: file.metadata)
        for entry in file.entries {
            var values = try file.floats(entry.name)
            if entry.name == "conv_out.bias" { values[1] = .nan }
            writer.add(entry.name, shape: entry.shape, values)
        }
        try writer.write(to: path)
        run.model = SDXLDirectory(broken)
        do {
            _ = try run.go(in: "out", traces: true)
            Issue.record("trained on a loss that is no number")
        } catch let TrainingError.notFinite(step, what, files) {
            #expect(step == 3 && what == "loss" && !files.isEmpty && files.allSatisfy { $0.hasSuffix(".png") })
            let sentence = TrainingError.notFinite(step: step, what: what, files: files).description
            #expect(sentence.contains("the loss of step 3 is not a number") && sentence.contains(files[0]))
        }
        let still = try run.scratch.data("out/resume/step-000002.safetensors")
        #expect(run.scratch.names("out/resume") == points && still == kept)
        #expect(run.scratch.names("out/trace") == traced)
    }

    /// diffusers would leave out activations at random.
    @Test func aUNetWithDropoutIsRefused() throws {
        let run = try SmallRun(), copy = run.scratch.path + "/copy", path = copy + "/unet/config.json"
        try FileManager.default.copyItem(atPath: run.model.path, toPath: copy)
        let config = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path))) as? [String: Any])
        for (dropout, isFine) in [(0.0, true), (0.1, false)] {
            try JSONSerialization.data(withJSONObject: config.merging(["dropout": dropout]) { $1 }).write(to: URL(fileURLWithPath: path))
            do {
                _ = try TrainingModel(SDXLDirectory(copy), settings: run.settings, prompts: PromptTable())
                #expect(isFine)
            } catch let error as ModelError {
                #expect(!isFine && error.description.contains("\"dropout\" is 0.1"), "\(error)")
            }
        }
    }

    /// Nothing is kept of an update that has made no numbers.
    @Test func anUpdateThatMakesNoNumbersIsRefused() throws {
        var run = try SmallRun()
        run.settings.epsilon = 1e-300
        do {
            _ = try run.go(in: "out")
            Issue.record("an update by 0/0 was kept")
        } catch let TrainingError.notFinite(step, what, _) {
            #expect(step == 1 && what == "LoRA")
        }
        #expect(run.scratch.names("out/resume").isEmpty)
    }
}
