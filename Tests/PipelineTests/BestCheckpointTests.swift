import Diffusion
import Foundation
import Images
import Jobs
import ModelGoldens
import SegMix
import Testing

@testable import Pipeline

/// `best_checkpoint`, and the scores of a run, with models of random weights.
@Suite(.serialized) struct BestCheckpointTests {
    private static let prompt = "a photo of a olis toy and a hta corgi on the moon"
    private static let pictures = ["step-000002-00.png", "step-000002-01.png", "step-000004-00.png", "step-000004-01.png", "step-000006-00.png", "step-000006-01.png"]

    private func workplace(_ more: String, images: Int = 2) throws -> Workplace {
        try Workplace(steps: 6, more: "save_steps: 2\nvalidation_prompt: \(Self.prompt)\nnum_validation_images: \(images)\n\(more)")
    }

    private func report(_ place: Workplace, _ folder: String = "out") throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: place.data(folder + "/report.json")) as? [String: Any])
    }

    /// What is rendered from a saved LoRA is what was rendered while it was trained, and nothing else of the result changes.
    @Test func picturesAreThoseOfTheTraining() throws {
        let plain = try workplace("validation_steps: 2"), place = try workplace("validation_steps: 4\nbest_checkpoint: true")
        try plain.useLookingModels()
        try place.useLookingModels()
        try #require(plain.starting("run").end().status == 0)
        let end = try place.starting("run").end()
        try #require(end.status == 0, "\(end.errors)")
        #expect(try report(plain)["best_checkpoint"] == nil)
        for picture in Self.pictures { #expect(try place.data("out/samples/" + picture) == plain.data("out/samples/" + picture), "\(picture)") }
        // The last LoRA is the one that the final pictures are made with.
        #expect(Set(Self.pictures).isSubset(of: place.names("out/samples")) && place.exists("out/samples/checkpoints.png"))
        #expect(try place.data("out/samples/step-000006-00.png") != place.data("out/samples/step-000004-00.png"))
        for file in ["pytorch_lora_weights.safetensors", "save-2/pytorch_lora_weights.safetensors", "samples/final-00.png"] {
            #expect(try place.data("out/" + file) == plain.data("out/" + file), "\(file)")
        }
        #expect(!place.exists("out/.segmixd"))
        // Some sixty objects are found: every picture has the score 0, which is said.
        let best = try #require(try report(place)["best_checkpoint"] as? [String: Any])
        #expect(best["score"] as? Double == 0 && best["step"] as? Int == 6 && end.output.contains("all 3 LoRAs score 0.000, so nothing speaks for one of them"))
    }

    /// An empty beach has no subjects to keep apart, unless it starts from a layout of them.
    @Test func onlyPicturesOfEverySubjectAreScored() throws {
        func together(_ more: String) throws -> [Int] {
            let place = try workplace("render: {prompts: [\(Self.prompt), an OLIS TOY and a hta corgi, a hta corgi alone, an empty beach], \(more)}")
            // `render` comes twice with the workplace's own.
            try place.replace("render: {steps: 2}\n", "", in: "toys/job.yaml")
            let job = try Job.load(JobFolder(place.job))
            return try RenderPlan(job, composer: job.composer(), schedule: NoiseSchedule(.init()), factor: 8).together
        }
        #expect(try together("gamma: 0") == [0, 1])
        #expect(try together("gamma: 0.1") == [0, 1, 3])
        #expect(try together("gamma: 0.1, subjects: [b]") == [0, 1])
    }

    /// The detector is set so that most pictures show two objects: their scores are those of `segmix score`, in the
    /// report and on its page, and the best has the highest.
    @Test func theBestIsNamedWithItsScore() throws {
        let place = try workplace("validation_steps: 100\nbest_checkpoint: true"), detector = place.path + "/owlv2"
        try place.replace("{steps: 2}", "{steps: 2, seeds: [1, 2], prompts: [\(Self.prompt), a corgi and a hta corgi]}", in: "toys/job.yaml")
        _ = try FlatDetector(detector)
        try place.useLookingModels(owlv2: detector)
        try #require(place.starting("run", to: "first").end().status == 0)
        let files = Self.pictures + ["final-00.png", "final-01.png"]
        // The final pictures are those of another LoRA once the scores tell which is the best.
        let chosen = try FlatDetector(detector).shift(showing: 2, in: Self.pictures.map { place.path + "/first/samples/" + $0 }, queries: ["toy", "corgi"])
        try #require(chosen.pictures >= 3, "\(chosen)")
        _ = try FlatDetector(detector, shift: chosen.shift)
        let end = try place.starting("run").end()
        try #require(end.status == 0, "\(end.errors)")

        let said = try Program.segmix.run(["score", "--job", place.job, "--config", place.configuration, "--json", "--image"] + files.map { place.path + "/out/samples/" + $0 })
        let list = try #require((try JSONSerialization.jsonObject(with: Data(said.output.utf8)) as? [String: Any])?["pictures"] as? [[String: Any]])
        let expected = Dictionary(uniqueKeysWithValues: zip(files.map { "samples/" + $0 }, list.compactMap { $0["score"] as? Double }))
        #expect(expected.count { !$0.key.contains("final") && $0.value != 0 } == chosen.pictures)

        func scores(_ pictures: Any?) -> [String: Double] {
            Dictionary(uniqueKeysWithValues: (pictures as? [[String: Any]] ?? []).map { ($0["file"] as! String, $0["score"] as! Double) })
        }
        let report = try report(place), best = try #require(report["best_checkpoint"] as? [String: Any])
        let all = try #require(best["checkpoints"] as? [[String: Any]])
        #expect(all.compactMap { $0["step"] as? Int } == [2, 4, 6])
        #expect(all.compactMap { ($0["files"] as? [String])?[0] } == ["save-2/", "save-4/", ""].map { $0 + "pytorch_lora_weights.safetensors" })
        var means: [Double] = []
        for (i, one) in all.enumerated() {
            let own = scores(one["pictures"]), mean = try #require(one["score"] as? Double)
            #expect(own == expected.filter { $0.key.hasPrefix("samples/step-00000\(2 * i + 2)") } && own.count == 2)
            #expect(abs(mean - own.values.reduce(0, +) / 2) < 1e-12)
            means.append(mean)
        }
        try #require(Set(means).count > 1, "no LoRA is better than another: \(means)")
        let winner = means.lastIndex(of: means.max()!)!, paths = try #require(best["files"] as? [String])
        #expect(best["step"] as? Int == 2 * winner + 2 && best["score"] as? Double == means[winner] && paths == all[winner]["files"] as? [String])
        #expect(paths.count == 2 && paths.allSatisfy { place.exists("out/" + $0) })
        #expect(end.output.contains("best checkpoint: \(paths.joined(separator: ", ")) (step \(2 * winner + 2)) scores \(String(format: "%.3f", means[winner]))"))

        // The final pictures are drawn with it: as `segmix render` draws them.
        let pictures = try #require(report["pictures"] as? [[String: Any]])
        #expect(pictures.count == 4 && pictures.allSatisfy { $0["lora"] as? String == paths[0] })
        let drawn = try Program.segmix.run([
            "render", "--model", "odd", "--config", place.configuration, "--lora", place.path + "/out/" + paths[0], "--prompt", Self.prompt, "--output",
            place.path + "/drawn", "--seed", "1", "--steps", "2", "--width", "64", "--height", "64", "--gamma", "0.07", "--job", place.job, "--negative-prompt",
            RenderSpecification.defaultNegativePrompt,
        ])
        try #require(drawn.status == 0, "\(drawn.errors)")
        let one = try ImageFile.readPhoto(place.path + "/drawn/00000-1.png").bytes, two = try ImageFile.readPhoto(place.path + "/out/samples/final-00.png").bytes
        #expect(one.count == two.count && zip(one, two).allSatisfy { abs(Int($0) - Int($1)) <= 2 })
        let events = try place.data("out/tensorboard/events.out.tfevents.segmixd.scores")
        #expect(events.range(of: Data("validation/detect_and_compare".utf8)) != nil && events.range(of: Data("final/detect_and_compare/01".utf8)) != nil)

        // Detect-and-Compare of the final pictures: only those that were to show both.
        let final = try #require(report["scores"] as? [String: Any])
        #expect(scores(final["pictures"]) == expected.filter { $0.key.contains("final") })
        let byPrompt = try #require(final["prompts"] as? [[String: Any]])
        #expect(byPrompt.map { $0["prompt"] as? String } == [Self.prompt] && byPrompt[0]["mean"] as? Double == final["mean"] as? Double)
        let ideal = try #require((try JSONSerialization.jsonObject(with: Data(said.output.utf8)) as? [String: Any])?["ideal"] as? [[Double]])
        #expect(final["ideal"] as? [[Double]] == ideal && final["threshold"] as? Double == 0.4 && final["overlap"] as? Double == 0.5)
        let page = try place.text("out/report.html")
        for part in ["<h2>Detect-and-Compare</h2>", "<h2>Best checkpoint</h2>", "<strong><code>\(paths[0])</code></strong>", "<tr class=\"best\"><td>\(2 * winner + 2)</td>"] {
            #expect(page.contains(part), "\(part)")
        }
        for value in means + [try #require(final["mean"] as? Double)] + expected.values { #expect(page.contains(String(format: "%.3f", value))) }
    }

    /// A stop keeps every picture and score, and what goes on from it ends like the run that was never stopped.
    @Test(arguments: ["step-000002 1 of", "out/.segmixd/scores.json"]) func stopping(_ moment: String) throws {
        let place = try workplace("validation_steps: 4\nbest_checkpoint: true", images: 12)
        try place.useLookingModels()
        try place.replace("{steps: 2}", "{steps: 8}", in: "toys/job.yaml")
        try #require(place.starting("run", to: "whole").end().status == 0)
        let running = try place.starting("run")
        running.until { running.output.contains(moment) || place.exists(moment) }
        running.send(SIGTERM)
        let end = running.end()
        try #require(end.status == 75, "\(end.status): \(end.errors)\(end.output)")
        #expect(end.output.contains("stopped with the training done") && !place.exists("out/report.json"))
        func written() throws -> [String: Date] {
            Dictionary(uniqueKeysWithValues: try place.names("out/samples").filter { $0.hasPrefix("step-") }.map {
                ($0, try FileManager.default.attributesOfItem(atPath: place.path + "/out/samples/" + $0)[.modificationDate] as! Date)
            })
        }
        let before = try written(), known = (try? JSONSerialization.jsonObject(with: place.data("out/.segmixd/scores.json"))) as? [String: Any]
        let scored = (known?["scores"] as? [String: Any])?.count ?? 0
        #expect(before.count >= 12 && (moment.hasPrefix("step") ? before.count < 36 : scored > 0 && scored < 36), "\(before.count), \(scored)")

        let resumed = try place.starting("run").end()
        try #require(resumed.status == 0, "\(resumed.errors)")
        #expect(resumed.output.contains("scoring \(36 - scored) pictures of the saved LoRAs"))
        #expect(try written().merging(before) { $0 == $1 ? $0 : .distantPast }.values.allSatisfy { $0 != .distantPast })
        #expect(try report(place)["best_checkpoint"] as? NSDictionary == report(place, "whole")["best_checkpoint"] as? NSDictionary)
        #expect(try place.data("out/samples/final-00.png") == place.data("whole/samples/final-00.png"))
    }

    /// A run goes on with another prompt: pictures of the old one do not stand for it.
    @Test func anotherPromptHasOtherPictures() throws {
        let place = try workplace("validation_steps: 2\nbest_checkpoint: true", images: 12)
        try place.useLookingModels()
        let running = try place.starting("run")
        running.until { place.exists("out/.segmixd/scores.json") }
        running.send(SIGTERM)
        try #require(running.end().status == 75)
        let other = "hta corgi beside olis toy", end = try place.starting("run", ["--set", "validation_prompt=\(other)"]).end()
        try #require(end.status == 0, "\(end.errors)")
        #expect(end.output.contains("scoring 36 pictures"))
        for name in place.names("out/samples") where name.hasPrefix("step-") {
            #expect(try PNGText.value(of: "parameters", in: place.data("out/samples/" + name))?.hasPrefix(other) == true, "\(name)")
        }
    }

    @Test func whatItNeedsIsMissedAtOnce() throws {
        let owlv2 = LookingTests.owlv2, dinov2 = LookingTests.dinov2
        for (models, more, status, says) in [
            ("", "", 69, "`best_checkpoint` needs `owlv2`, which the job's model does not have"),
            (", owlv2: \(owlv2)", "", 69, "`best_checkpoint` needs `dinov2`"),
            (", owlv2: \(owlv2), dinov2: /nowhere/dino", "", 69, "/nowhere/dino: the DINOv2 model's directory is not there"),
            (", owlv2: \(owlv2), dinov2: \(owlv2)", "", 69, "DINOv2"),
            (", owlv2: \(owlv2), dinov2: \(dinov2)", "classes: {b: a very small dog with short legs and ears like those of a much larger dog}", 65, "too long for this model"),
            (", owlv2: \(owlv2), dinov2: \(dinov2)", "validation_prompt: a corgi", 65, "`validation_prompt` does not name"),
        ] as [(String, String, Int32, String)] {
            let place = try Workplace(steps: 2, more: "best_checkpoint: true\n\(more.hasPrefix("validation") ? more : "validation_prompt: \(Self.prompt)\n\(more)")")
            try place.replace("base: \(Workplace.model)", "base: \(Workplace.model)\(models)", in: "segmixd.yaml")
            for end in [try place.check(), try place.starting("run").end()] {
                #expect(end.status == status && end.errors.contains(says), "\(end.status): \(end.errors)")
                #expect(!place.exists("out"))
            }
        }
        // Training alone compares nothing.
        let place = try Workplace(steps: 2, more: "best_checkpoint: true\nvalidation_prompt: \(Self.prompt)")
        #expect(try place.train().status == 0)
    }
}
