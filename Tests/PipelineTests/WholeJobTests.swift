import Foundation
import Images
import ModelGoldens
import Testing
import Weights

/// From a folder to a result, through the programs.
@Suite(.serialized) struct WholeJobTests {
    /// Where the final pictures show something else, the last LoRA draws those of `validation_prompt` too.
    @Test func theLastLoRAIsValidated() throws {
        for (prompts, isDrawn) in [("[a toy]", true), ("[a toy, a corgi]", false), ("[]", false)] {
            let place = try Workplace(steps: 3, more: "validation_prompt: a corgi\nvalidation_steps: 2\nnum_validation_images: 1")
            try place.replace("render: {steps: 2}", "render: {steps: 2, prompts: \(prompts), gamma: 0}", in: "toys/job.yaml")
            let end = try place.starting("run").end()
            try #require(end.status == 0, "\(end.errors)")
            #expect(place.names("out/samples").filter { $0.hasPrefix("step-") } == ["step-000002-00.png"] + (isDrawn ? ["step-000003-00.png"] : []), "\(prompts)")
        }
    }

    /// Of many pictures on the way the page shows some, the first and the last among them, and none of another prompt.
    @Test func manyPicturesOnTheWay() throws {
        let place = try Workplace(steps: 18, more: "validation_prompt: a <corgi>\nvalidation_steps: 2\nnum_validation_images: 4"), running = try place.starting("run")
        running.until { place.exists("out/samples/step-000004-00.png") }
        running.send(SIGTERM)
        try #require(running.end().status == 75)
        let end = try place.starting("run", ["--set", "validation_prompt=a <dog>", "--set", "render.prompts=[a toy]"]).end()
        try #require(end.status == 0, "\(end.errors)")
        let page = try place.text("out/report.html")
        let shown = (1...9).map { page.components(separatedBy: "alt=\"step \(2 * $0)\"").count - 1 }
        #expect(place.names("out/samples").count { $0.hasPrefix("step-") } == 36)
        #expect(shown[0] == 0 && shown[8] == 4 && shown.reduce(0, +) <= 24 && shown.allSatisfy { [0, 4].contains($0) }, "\(shown)")
        #expect(page.contains("“a &lt;dog&gt;”, as the LoRA drew it after so many steps. All are in <code>samples/</code>."))
    }

    @Test func runLeavesWhatWasPromised() throws {
        let place = try Workplace(steps: 4, more: "save_steps: 2\nvalidation_prompt: a corgi\nvalidation_steps: 2\nnum_validation_images: 1")
        let end = try place.starting("run").end()
        try #require(end.status == 0, "\(end.errors)")
        #expect(Set(place.names("out")).isSuperset(of: [
            "metrics.jsonl", "pytorch_lora_weights.safetensors", "report.json", "samples", "save-2", "save-4", "toys.safetensors",
        ]))
        #expect(!place.exists("out/.segmixd"))
        for folder in ["out/save-2", "out/save-4"] { #expect(place.names(folder) == ["pytorch_lora_weights.safetensors", "toys.safetensors"]) }
        #expect(try place.data("out/save-4/pytorch_lora_weights.safetensors") == place.data("out/pytorch_lora_weights.safetensors"))
        #expect(try place.data("out/save-2/pytorch_lora_weights.safetensors") != place.data("out/pytorch_lora_weights.safetensors"))

        let lora = try LoRAFile.read(place.path + "/out/pytorch_lora_weights.safetensors"), kohya = try LoRAFile.read(place.path + "/out/toys.safetensors")
        #expect(lora.modules.count == kohya.modules.count && lora.modules.allSatisfy { $0.rank == 2 && $0.name.contains(".attentions.") })
        #expect(kohya.modules.allSatisfy { $0.alpha == 2 && $0.name.hasPrefix("lora_unet_") })
        #expect(kohya.metadata["ss_network_dim"] == "2" && kohya.metadata["modelspec.trigger_phrase"]?.contains("hta corgi") == true)

        #expect(try ["out/save-2", "out"].map { try LoRAFile.read(place.path + "/\($0)/toys.safetensors").metadata["ss_steps"] } == ["2", "4"])

        let metrics = place.metrics()
        #expect(metrics.map { $0["step"] as? Int } == [1, 2, 3, 4])
        #expect(metrics.allSatisfy { line in ["loss", "instance_loss", "prior_loss", "lr", "grad_norm", "seconds"].allSatisfy { line[$0] is Double || line[$0] is Int } })
        let report = try #require(try JSONSerialization.jsonObject(with: place.data("out/report.json")) as? [String: Any])
        #expect((report["loss"] as? [Any])?.count == 4 && report["name"] as? String == "toys")
        #expect((report["subjects"] as? [String: String]) == DrawnPhotos.phrases)
        // The only model of the configuration, though the job may leave it out.
        #expect((report["settings"] as? [String: Any])?["model"] as? String == "odd")
        #expect((report["files"] as? [String]) == ["pytorch_lora_weights.safetensors", "toys.safetensors"])
        let saves = try #require(report["saves"] as? [[String: Any]])
        #expect(saves.map { $0["step"] as? Int } == [2, 4])
        #expect(saves.map { $0["files"] as? [String] } == ["save-2", "save-4"].map { [$0 + "/pytorch_lora_weights.safetensors", $0 + "/toys.safetensors"] })
        #expect((report["program"] as? String)?.hasPrefix("segmixd 0.") == true)

        let samples = place.names("out/samples")
        #expect(Set(samples).isSuperset(of: ["step-000002-00.png", "step-000004-00.png", "final-00.png"]), "\(samples)")
        let picture = try ImageFile.readPhoto(place.path + "/out/samples/final-00.png", name: "final-00.png")
        #expect(picture.width == 64 && picture.height == 64)

        // Masks that came with the photos are on the page, each on its photo.
        let page = try place.text("out/report.html")
        for photo in ["a00", "a01", "b00", "b01"] { #expect(page.contains("alt=\"\(photo).png\"><figcaption>")) }
        // So are the pictures on the way.
        for step in [2, 4] { #expect(page.contains("alt=\"step \(step)\"><figcaption>")) }

        // Done is done: nothing is trained again.
        let before = try place.data("out/report.json"), again = try place.starting("run").end()
        #expect(again.status == 0 && again.output.contains("finished result already"))
        #expect(try place.data("out/report.json") == before)

        // And it is no other run's result.
        let other = try place.starting("run", ["--set", "seed=7"]).end()
        #expect(other.status == 64 && other.errors.contains("holds the finished result of a run with seed 5, and this one has 7"), "\(other.errors)")
        for (setting, says) in [
            ("relative_scale={a: 1, b: 0.5}", "relative_scale 0, and this one has {\"a\":1,\"b\":0.5}"), ("validation_prompt=a dog", "a dog\""),
            ("render.steps=3", "render.steps 2, and this one has 3"), ("classes={a: toy}", "classes"),
        ] {
            let other = try place.starting("run", ["--set", setting]).end()
            #expect(other.status == 64 && other.errors.contains(says), "\(setting): \(other.status) \(other.errors)")
        }
        let mask = try place.data("toys/mask_a00.png")
        try place.write(mask + [0], "toys/mask_a00.png")
        let masked = try place.starting("run").end()
        #expect(masked.status == 64 && masked.errors.contains("other photos, masks or captions"), "\(masked.errors)")
        try place.write(mask, "toys/mask_a00.png")
        for same in ["priority=3", "model=\(Workplace.model)/", "model=\(Workplace.model)/../\(URL(fileURLWithPath: Workplace.model).lastPathComponent)"] {
            let again = try place.starting("run", ["--set", same]).end()
            #expect(again.status == 0 && again.output.contains("finished result already"), "\(same): \(again.errors)")
        }
        let over = try place.train("--resume")
        #expect(over.status == 64 && over.errors.contains("holds a run that is finished"), "\(over.errors)")
        #expect(try place.data("out/report.json") == before)
    }

    /// The longest name that a folder can have leaves no room for `.safetensors`.
    @Test func longNamesAreCut() throws {
        let place = try Workplace(steps: 1, more: "with_prior_preservation: false"), name = String(repeating: "ö", count: 127) + "x"
        try FileManager.default.moveItem(atPath: place.job, toPath: place.path + "/" + name)
        let end = try Program.segmix.run("train", place.path + "/" + name, "--config", place.configuration, "--output", place.output)
        #expect(end.status == 0 && place.exists("out/" + String(repeating: "ö", count: 60) + ".safetensors"), "\(end.errors)\(place.names("out"))")
    }

    /// What scoring needs is missed before the training, not after the night.
    @Test func aMissingModelOfTheScoresIsSaidAtOnce() throws {
        let place = try Workplace(steps: 2)
        try place.useLookingModels(dinov2: place.path + "/nowhere")
        let end = try place.starting("run").end()
        #expect(end.status == 69 && end.errors.contains("nowhere: the DINOv2 model's directory is not there"), "\(end.status): \(end.errors)")
        #expect(place.stepsWritten() == 0)
        // Training alone scores nothing.
        #expect(try place.train().status == 0)
    }

    @Test func theSameJobGivesTheSameLoRA() throws {
        let place = try Workplace(steps: 2)
        for (folder, threads) in [("out", "1"), ("again", "1"), ("shared", "3")] {
            let end = try Program.segmix.run(
                ["train", place.job, "--config", place.configuration, "--output", place.path + "/" + folder, "--set", "resolution=128"], environment: ["SEGMIX_THREADS": threads])
            #expect(end.status == 0, "\(end.errors)")
        }
        #expect(try place.data("out/pytorch_lora_weights.safetensors") == place.data("shared/pytorch_lora_weights.safetensors"))
        #expect(try place.data("out/pytorch_lora_weights.safetensors") == place.data("again/pytorch_lora_weights.safetensors"))
        #expect(try place.starting("train", ["--set", "seed=6", "--set", "resolution=128"], to: "other").end().status == 0)
        #expect(try place.data("other/pytorch_lora_weights.safetensors") != place.data("out/pytorch_lora_weights.safetensors"))
    }

    /// bfloat16 without instructions for it: done all the same, and said before and after.
    @Test func bfloat16OnAnyProcessor() throws {
        let place = try Workplace(steps: 2, more: "mixed_precision: bf16"), said = "mixed_precision: bf16: this processor cannot multiply bfloat16 numbers"
        func run(_ arguments: String...) throws -> Program.Ending {
            try Program.segmix.run(arguments + ["--config", place.configuration], environment: ["SEGMIX_ISA": "avx2"])
        }
        let check = try run("check", place.job)
        #expect(check.status == 0 && check.output.contains("note: \(said)"), "\(check.output)\(check.errors)")
        let end = try run("run", place.job, "--output", place.output)
        try #require(end.status == 0, "\(end.errors)")
        let report = try #require(try JSONSerialization.jsonObject(with: place.data("out/report.json")) as? [String: Any])
        #expect((report["warnings"] as? [String])?.contains { $0.hasPrefix(said) } == true)
        // Not float32's numbers, but the same training.
        #expect(try place.starting("train", ["--set", "mixed_precision=no"], to: "wide").end().status == 0)
        let losses = ["out", "wide"].map { place.metrics($0).compactMap { $0["loss"] as? Double } }
        #expect(losses[0].count == 2 && zip(losses[0], losses[1]).allSatisfy { $0 != $1 && abs($0 / $1 - 1) < 2e-2 }, "\(losses)")
    }

    @Test func trainWritesATrace() throws {
        let place = try Workplace(steps: 2, more: "dco_beta: 10"), end = try place.train("--trace", place.path + "/trace")
        #expect(end.status == 0, "\(end.errors)")
        #expect(place.names("trace") == ["lora-final.safetensors", "lora-initial.safetensors"] + (0..<4).map { "step-00000\($0).safetensors" })
        #expect(!place.exists("out/samples"))
    }

    /// Two folders through the inbox: a good one is published whole, a bad one says why, and neither is lost.
    @Test func drain() throws {
        let place = try Workplace(steps: 3, more: "save_steps: 2")
        for name in ["good", "bad"] { try FileManager.default.copyItem(atPath: place.job, toPath: place.path + "/inbox/" + name) }
        try place.remove("inbox/bad/mask_b01.png")
        // No option, though it looks like one.
        try FileManager.default.moveItem(atPath: place.path + "/inbox/good/job.yaml", toPath: place.path + "/inbox/good/-v.yaml")
        let end = try Program.segmixd.run("--config", place.configuration, "--drain")
        #expect(end.status == 1, "\(end.errors)")
        #expect(place.names("inbox").isEmpty && place.names("outbox") == ["bad.failed", "good"])
        #expect(Set(place.names("outbox/good")).isSuperset(of: ["good.safetensors", "job.log", "metrics.jsonl", "pytorch_lora_weights.safetensors", "report.json", "save-2"]))
        #expect(!place.exists("outbox/good/.segmixd"))
        #expect(try place.text("outbox/bad.failed/error.txt").contains("mask_b01.png"))
        #expect(place.exists("outbox/bad.failed/input/a00.png") && place.exists("outbox/bad.failed/job.log"))
        // The same LoRA as by hand.
        #expect(try place.train().status == 0)
        #expect(try place.data("out/pytorch_lora_weights.safetensors") == place.data("outbox/good/pytorch_lora_weights.safetensors"))
    }

    /// Somebody saves a half-written configuration while the daemon is at work: jobs go by what the daemon has read.
    @Test func aConfigurationBrokenLaterTouchesNoJob() throws {
        let place = try Workplace(steps: 2)
        let running = try Program.segmixd.start(["--config", place.configuration])
        running.until { place.exists("state/queue.sqlite") && place.exists("state/lock") }
        try place.write("models: {odd: {base: /nowhere", "segmixd.yaml")
        try FileManager.default.copyItem(atPath: place.job, toPath: place.path + "/copied")
        try FileManager.default.moveItem(atPath: place.path + "/copied", toPath: place.path + "/inbox/toys")
        running.until { place.exists("outbox/toys") || place.exists("outbox/toys.failed") }
        running.send(SIGTERM)
        let end = running.end()
        #expect(end.status == 0, "\(end.errors)")
        #expect(place.names("outbox") == ["toys"], "\((try? place.text("outbox/toys.failed/error.txt")) ?? "")")
    }

    /// Watches are counted per user: a folder that was taken needs none, though it lies in the state directory or the outbox now.
    @Test func takenFoldersAreWatchedNoMore() throws {
        let place = try Workplace(steps: 1, more: "train_batch_size: none")
        try place.replace("settle_seconds: 0.2", "settle_seconds: 1", in: "segmixd.yaml")
        let running = try Program.segmixd.start(["--config", place.configuration])
        func watches() -> Int {
            let folder = "/proc/\(running.process.processIdentifier)/fdinfo"
            let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            return files.reduce(0) { $0 + ((try? String(contentsOfFile: folder + "/" + $1, encoding: .utf8)) ?? "").components(separatedBy: "inotify wd:").count - 1 }
        }
        running.until { watches() == 1 }
        var most = 0
        for i in 0..<2 {
            try FileManager.default.copyItem(atPath: place.job, toPath: place.path + "/copied")
            try FileManager.default.moveItem(atPath: place.path + "/copied", toPath: place.path + "/inbox/toys\(i)")
            running.until {
                most = max(most, watches())
                return place.exists("outbox/toys\(i).failed")
            }
        }
        running.until { watches() == 1 }
        #expect(most > 1 && watches() == 1, "\(most), \(watches())")
        running.send(SIGTERM)
        #expect(running.end().status == 0)
    }

    /// The daemon is stopped in the middle of a job; started again, it goes on and publishes what a whole run gives.
    @Test(arguments: [SIGTERM, SIGHUP]) func aStoppedDaemonGoesOn(_ signal: Int32) throws {
        let place = try Workplace(steps: 300)
        try FileManager.default.copyItem(atPath: place.job, toPath: place.path + "/inbox/long")
        let running = try Program.segmixd.start(["--config", place.configuration, "--drain"])
        func metrics() -> Int {
            let all = FileManager.default.enumerator(atPath: place.path + "/state")?.allObjects as? [String] ?? []
            return all.first { $0.hasSuffix("metrics.jsonl") }.map { place.stepsWritten("state/" + ($0 as NSString).deletingLastPathComponent) } ?? 0
        }
        running.until { metrics() >= 5 }
        running.send(signal)
        let end = running.end()
        try #require(end.status == 75, "\(end.errors)")
        #expect(place.names("outbox").isEmpty)
        let again = try Program.segmixd.run("--config", place.configuration, "--drain")
        #expect(again.status == 0, "\(again.errors)")
        #expect(try place.text("outbox/long/job.log").contains("training goes on after step"))
        #expect(try place.train().status == 0)
        #expect(try place.data("out/pytorch_lora_weights.safetensors") == place.data("outbox/long/pytorch_lora_weights.safetensors"))
    }
}
