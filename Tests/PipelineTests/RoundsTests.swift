import Files
import Foundation
import Images
import Jobs
import ModelGoldens
import TestFolders
import Testing
import Weights

@testable import Pipeline

/// `rounds: 2` with models of random weights. The detector is set so that some pictures show two objects, and a threshold below
/// every score lets them join.
@Suite(.serialized) struct RoundsTests {
    private static let prompt = "a photo of a olis toy and a hta corgi on the moon"
    private static let lora = "pytorch_lora_weights.safetensors"

    private static func workplace(_ more: String = "", rounds: Int = 2) throws -> Workplace {
        let place = try Workplace(
            steps: 6, more: "save_steps: 4\ncheckpointing_steps: 2\nrounds: \(rounds)\njoin: {candidates: 8, threshold: -10, most: 3}\n\(more)")
        try place.replace("{steps: 2}", "{steps: 2, seeds: [1, 2], prompts: [\"\(prompt)\", a hta corgi alone]}", in: "toys/job.yaml")
        try place.useLookingModels(owlv2: place.path + "/owlv2")
        try FileManager.default.copyItem(atPath: detector.get().path, toPath: place.path + "/owlv2")
        return place
    }

    /// The small OWLv2 with which most of the first round's pictures show two objects, and how many do. Kept as long as the tests run.
    private static let detector = Result { () throws -> (path: String, pictures: Int) in
        let path = NSTemporaryDirectory() + "segmix-rounds-detector-\(ProcessInfo.processInfo.processIdentifier)"
        let place = try Workplace(steps: 6, more: "save_steps: 4\nrounds: 2\njoin: {candidates: 8, threshold: 1}")
        try place.replace("{steps: 2}", "{steps: 2, seeds: [1, 2], prompts: [\"\(prompt)\", a hta corgi alone]}", in: "toys/job.yaml")
        _ = try FlatDetector(path)
        try place.useLookingModels(owlv2: path)
        let end = try place.starting("run").end()
        guard end.status == 0 else { throw FlatDetector.Failure(errors: end.errors) }
        let candidates = (0..<8).map { place.path + "/out/samples/candidate-0\($0).png" }
        let chosen = try FlatDetector(path).shift(showing: 2, in: candidates, queries: ["toy", "corgi"])
        _ = try FlatDetector(path, shift: chosen.shift)
        return (path, chosen.pictures)
    }

    private func report(_ place: Workplace, _ folder: String = "out") throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: place.data(folder + "/report.json")) as? [String: Any])
    }

    private func candidates(_ report: [String: Any]) throws -> [(file: String, score: Double, joined: Bool)] {
        let rounds = try #require(report["rounds"] as? [String: Any])
        return try #require(rounds["candidates"] as? [[String: Any]]).map { ($0["file"] as! String, $0["score"] as! Double, $0["joined"] as! Bool) }
    }

    @Test func theBestPicturesJoin() throws {
        let place = try Self.workplace(), plain = try Self.workplace(rounds: 1), shown = try Self.detector.get().pictures
        let end = try place.starting("run").end()
        try #require(end.status == 0, "\(end.errors)")
        try #require(try plain.starting("run").end().status == 0)
        // The first round is the job as it is without a second; the second is another.
        let names = plain.names("out").filter { !["report.json", "report.html", "job.log"].contains($0) }
        #expect(place.names("out/round-1") == names, "\(place.names("out/round-1")) \(names)")
        for file in [Self.lora, "save-4/" + Self.lora] + (0..<4).map({ "samples/final-0\($0).png" }) {
            #expect(try place.data("out/round-1/" + file) == plain.data("out/" + file), "\(file)")
            #expect(try place.data("out/" + file) != plain.data("out/" + file), "\(file)")
        }
        #expect(place.metrics("out/round-1").map { $0["loss"] as! Double } == plain.metrics().map { $0["loss"] as! Double })
        #expect(place.metrics().count == 6 && place.names("out").contains("toys.safetensors") && !place.exists("out/.segmixd"))
        for file in ["out/tensorboard", "out/round-1/tensorboard"] { #expect(place.names(file).count == 2) }

        // What joined is what `segmix score` finds best of those that show two.
        let report = try report(place), all = try candidates(report), joined = all.filter(\.joined)
        #expect(all.count == 8 && all.allSatisfy { $0.file.hasPrefix("round-1/samples/candidate-") })
        let said = try Program.segmix.run(["score", "--job", place.job, "--config", place.configuration, "--json", "--image"] + all.map { place.path + "/out/" + $0.file })
        let list = try #require((try JSONSerialization.jsonObject(with: Data(said.output.utf8)) as? [String: Any])?["pictures"] as? [[String: Any]])
        #expect(list.compactMap { $0["score"] as? Double } == all.map(\.score))
        // Two that look most like one subject are none: that is what the second round is to unlearn.
        let two = list.indices.filter { (list[$0]["detections"] as? [Any])?.count == 2 }, complete = two.filter { list[$0]["finding"] as? String == "apart" }
        #expect(complete == list.indices.filter { list[$0]["finding"] as? String == "apart" } && joined.count == min(3, complete.count))
        let best = complete.sorted { all[$0].score > all[$1].score }.prefix(3)
        #expect(two.count == shown && Set(best) == Set(all.indices.filter { all[$0].joined }))

        // The seeds are none of the final pictures', and each picture says its own.
        let seeds = try all.map { one in
            let text = try #require(PNGText.value(of: "parameters", in: place.data("out/" + one.file)))
            #expect(text.hasPrefix(Self.prompt + " <lora:toys:1>"))
            return try #require(text.split(separator: ", ").first { $0.hasPrefix("Seed: ") })
        }
        #expect(Set(seeds).count == 8 && !seeds.contains("Seed: 1") && !seeds.contains("Seed: 2"))

        let rounds = try #require(report["rounds"] as? [String: Any]), first = try #require(rounds["round_1"] as? [String: Any])
        #expect(rounds["result"] as? Int == 2 && first["files"] as? [String] == ["round-1/" + Self.lora, "round-1/toys.safetensors"])
        let one = try #require((first["scores"] as? [String: Any])?["mean"] as? Double), other = try #require((report["scores"] as? [String: Any])?["mean"] as? Double)
        #expect(rounds["better"] as? Int == (other == one ? nil : other > one ? 2 : 1))
        let page = try place.text("out/report.html")
        #expect(page.contains("<h2>Second round</h2>") && page.contains(String(format: "%.3f", one)) && page.contains(String(format: "%.3f", other)))
        for one in joined { #expect(page.contains("\(one.file)</figcaption>")) }
        #expect(end.output.contains("round 2: \(joined.count) of 8 pictures of round 1 join the photos") && end.output.contains(": round 2 of 2"))
        let metadata = try SafetensorsFile(place.path + "/out/toys.safetensors").metadata
        #expect(metadata["ss_tag_frequency"]?.contains(Self.prompt) == true)
    }

    /// Training alone gives the same LoRA, and its traces are two, each as the contract has it.
    @Test func traces() throws {
        let place = try Self.workplace()
        try #require(try place.starting("run", to: "whole").end().status == 0)
        let end = try place.train("--trace", place.path + "/trace")
        try #require(end.status == 0, "\(end.errors)")
        for file in [Self.lora, "round-1/" + Self.lora] { #expect(try place.data("out/" + file) == place.data("whole/" + file)) }
        let steps = (0..<12).map { String(format: "step-%06d.safetensors", $0) }
        for round in ["trace/round-1", "trace/round-2"] { #expect(place.names(round) == ["lora-final.safetensors", "lora-initial.safetensors"] + steps) }
        #expect(place.names("trace") == ["round-1", "round-2"])
        #expect(try place.data("trace/round-1/lora-initial.safetensors") == place.data("trace/round-2/lora-initial.safetensors"))
        #expect(try LoRAFile.read(place.path + "/trace/round-2/lora-final.safetensors").modules.map(\.up) == LoRAFile.read(place.path + "/out/" + Self.lora).modules.map(\.up))
        let joined = Set(try candidates(report(place, "whole")).filter(\.joined).map(\.file))
        var seen: Set<String> = []
        for step in steps {
            let file = try SafetensorsFile(place.path + "/trace/round-2/" + step)
            func list(_ key: String) throws -> [Any] {
                let text = try #require(file.metadata[key])
                return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [Any])
            }
            let files = try #require(try list("files") as? [[String]]), prompts = try #require(try list("prompts") as? [String])
            #expect(files.count == 2 && file["pixel_values"]?.shape == [2, 3, 64, 64])
            guard joined.contains(files[0][0]) else { continue }
            seen.insert(files[0][0])
            #expect(try prompts[0] == Self.prompt && list("crop")[0] as? [Int] == [0, 0] && list("collage")[0] is NSNull && files[0].count == 1)
            #expect(try file.floats("mask").prefix(64).allSatisfy { $0 == 1 })
            let picture = try ImageFile.readPhoto(place.path + "/out/" + files[0][0])
            #expect(try file.floats("pixel_values")[0] == Float(picture.bytes[0]) / 127.5 - 1)
        }
        #expect(!seen.isEmpty && seen.isSubset(of: joined))
        // What is left of the job says what it cannot know.
        let rest = try place.starting("run").end()
        #expect(rest.status == 0 && rest.output.contains("is not known, as no final pictures of round 1 were scored"), "\(rest.output)")
    }

    /// Where all photos are mixed, what joined is not, nor the prior pictures that go with it.
    @Test func onlyWhatJoinedIsPlain() throws {
        let place = try Self.workplace()
        try place.replace("segmix_prob: 0.5", "segmix_prob: 1", in: "toys/job.yaml")
        let end = try place.starting("run").end()
        try #require(end.status == 0, "\(end.errors)")
        #expect(place.exists("out/round-1") && place.metrics().count == 6)
    }

    /// Nothing is good enough: the result is that of one round.
    @Test func nothingJoins() throws {
        let place = try Self.workplace(), plain = try Self.workplace(rounds: 1)
        try #require(try plain.starting("run").end().status == 0)
        let end = try place.starting("run", ["--set", "join.threshold=1"]).end()
        try #require(end.status == 0, "\(end.errors)")
        #expect(!place.exists("out/round-1") && !place.exists("out/.segmixd"))
        #expect(try place.data("out/" + Self.lora) == plain.data("out/" + Self.lora))
        let report = try report(place), rounds = try #require(report["rounds"] as? [String: Any])
        #expect(rounds["result"] as? Int == 1 && rounds["round_1"] == nil && rounds["better"] == nil)
        #expect(try candidates(report).allSatisfy { !$0.joined && place.exists("out/" + $0.file) })
        let sentence = try #require(rounds["sentence"] as? String)
        #expect(sentence.contains("below join.threshold 1") && (report["warnings"] as? [String])?.contains(sentence) == true && end.output.contains(sentence))
    }

    /// `best_checkpoint` compares the LoRAs of both rounds; the best of the first draws what may join.
    @Test func theBestOfBothRounds() throws {
        let place = try Self.workplace("best_checkpoint: true\nvalidation_prompt: \(Self.prompt)\nnum_validation_images: 6")
        // The detector is set anew, for pictures of both kinds.
        _ = try FlatDetector(place.path + "/owlv2")
        let more = ["--set", "join.candidates=16"]
        try #require(try place.starting("run", more + ["--set", "join.threshold=1"], to: "first").end().status == 0)
        let drawn = place.names("first/samples").filter { $0.hasPrefix("candidate-") || $0.hasPrefix("step-") }.map { place.path + "/first/samples/" + $0 }
        let shift = try FlatDetector(place.path + "/owlv2").shift(showing: 2, in: drawn, queries: ["toy", "corgi"]).shift
        _ = try FlatDetector(place.path + "/owlv2", shift: shift)
        let end = try place.starting("run", more).end()
        try #require(end.status == 0, "\(end.errors)")
        let report = try report(place), best = try #require(report["best_checkpoint"] as? [String: Any])
        let all = try #require(best["checkpoints"] as? [[String: Any]])
        #expect(all.map { "\($0["round"]!) \($0["step"]!)" } == ["1 4", "1 6", "2 4", "2 6"])
        let paths = all.compactMap { ($0["files"] as? [String])?[0] }
        #expect(paths == ["round-1/save-4/", "round-1/", "save-4/", ""].map { $0 + Self.lora } && paths.allSatisfy { place.exists("out/" + $0) })
        let scores = all.compactMap { $0["score"] as? Double }, winner = scores.lastIndex(of: scores.max()!)!
        try #require(Set(scores).count > 1)
        #expect(best["round"] as? Int == winner / 2 + 1 && (best["files"] as? [String])?[0] == paths[winner])
        #expect((report["pictures"] as? [[String: Any]])?.allSatisfy { $0["lora"] as? String == paths[winner] } == true)
        let rounds = try #require(report["rounds"] as? [String: Any]), candidates = try #require(rounds["candidates"] as? [[String: Any]])
        let first = scores[1] >= scores[0] ? 1 : 0
        #expect(candidates.allSatisfy { $0["lora"] as? String == paths[first] } && rounds["better"] as? Int == winner / 2 + 1)
        #expect(all.flatMap { $0["pictures"] as! [[String: Any]] }.allSatisfy { place.exists("out/" + ($0["file"] as! String)) })
    }

    /// Killed at any moment it goes on and ends like the run that was never killed.
    @Test func killedAtManyMoments() throws {
        let place = try Self.workplace("best_checkpoint: true\nvalidation_prompt: \(Self.prompt)\nnum_validation_images: 2")
        try #require(try place.starting("run", to: "whole").end().status == 0)
        func exists(_ name: String) -> Bool { place.exists("out/" + name) }
        let moments: [(String, (Program.Running) -> Bool)] = [
            ("training", { _ in place.stepsWritten() >= 3 }), ("comparing", { _ in exists("samples/step-000006-00.png") }),
            ("candidates", { _ in exists("samples/candidate-03.png") }), ("scores", { $0.output.contains("that may join the second round") }),
            ("record", { _ in exists(".segmixd/round-1.json") }), ("mark", { _ in exists(".segmixd/round-2") }),
            ("second training", { _ in exists(".segmixd/round-2") && place.stepsWritten() >= 3 }),
            ("second comparing", { _ in exists(".segmixd/round-2") && exists("samples/step-000004-01.png") }),
            ("second final", { _ in exists(".segmixd/round-2") && exists("samples/final-01.png") }), ("report", { _ in exists("report.html") }),
        ]
        for (name, moment) in moments {
            let running = try place.starting("run")
            running.until { moment(running) }
            running.send(SIGKILL)
            let end = running.end()
            #expect(end.signal == SIGKILL || end.status == 0, "\(name): \(end.errors)")
        }
        let end = try place.starting("run").end()
        try #require(end.status == 0, "\(end.errors)")
        for folder in ["", "round-1/"] {
            #expect(place.names("out/" + folder) == place.names("whole/" + folder))
            #expect(place.names("out/\(folder)samples") == place.names("whole/\(folder)samples"))
            for file in [Self.lora, "save-4/" + Self.lora, "toys.safetensors"] + place.names("whole/\(folder)samples").map({ "samples/" + $0 }) {
                #expect(try place.data("out/" + folder + file) == place.data("whole/" + folder + file), "\(folder)\(file)")
            }
            #expect(place.metrics("out/" + folder).map { $0["loss"] as! Double } == place.metrics("whole/" + folder).map { $0["loss"] as! Double })
        }
        for key in ["rounds", "best_checkpoint", "scores", "pictures"] {
            #expect(try report(place)[key] as? NSDictionary == report(place, "whole")[key] as? NSDictionary, "\(key)")
        }
    }

    /// Every place at which the putting aside may have been cut off.
    @Test func puttingAsideGoesOn() throws {
        for moved in 0...6 {
            let folder = try TemporaryFolder(), directory = RunDirectory(folder.path + "/out", name: "toys")
            try directory.create()
            let names = ["save-4", "pytorch_lora_weights.safetensors", "toys.safetensors", "metrics.jsonl", "samples", "tensorboard"]
            try FileManager.default.createDirectory(atPath: directory.resumePoints, withIntermediateDirectories: true)
            try FileManager.default.createDirectory(atPath: directory.firstRound, withIntermediateDirectories: true)
            for (i, name) in names.enumerated() {
                let path = (i < moved ? directory.firstRound : directory.path) + "/" + name
                name.contains(".") ? try Data(name.utf8).write(to: URL(fileURLWithPath: path)) : try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            }
            try directory.putFirstRoundAside()
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory.firstRound).sorted() == names.sorted())
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted() == [".segmixd", "round-1"])
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory.working) == ["round-2"])
            // What round 2 writes stays where it is.
            try Data().write(to: URL(fileURLWithPath: directory.metrics))
            try directory.putFirstRoundAside()
            #expect(Folder.exists(directory.metrics))
        }
    }

    /// Once it is known what joins, neither the settings nor a picture can be another.
    @Test func anotherSettingOrPictureIsAnotherRun() throws {
        let place = try Self.workplace(), running = try place.starting("run")
        running.until { place.exists("out/.segmixd/round-2") && place.stepsWritten() >= 1 }
        running.send(SIGTERM)
        let stopped = running.end()
        try #require(stopped.status == 75, "\(stopped.status) \(stopped.errors)")
        #expect(stopped.output.contains("in round 2, with a resume point"))
        for (setting, says) in [
            ("join.most=2", "join 8 pictures, -10.0, 3, and this one has 8 pictures, -10.0, 2"), ("rounds=1", "rounds 2, and this one has 1"),
            ("learning_rate=0.01", "learning_rate 0.003, and this one has 0.01"),
        ] {
            let end = try place.starting("run", ["--set", setting]).end()
            #expect(end.status == 65 && end.errors.contains(says), "\(end.errors)")
        }
        // Another prompt of the final pictures does not matter any more, only what joined does.
        let record = try #require(try JSONSerialization.jsonObject(with: place.data("out/.segmixd/round-1.json")) as? [String: Any])
        let all = try #require(record["candidates"] as? [[String: Any]])
        let joined = try #require(((all.first { $0["joins"] as? Bool == true })?["picture"] as? [String: Any])?["file"] as? String)
        let bytes = try place.data("out/" + joined)
        try place.write(place.data("toys/a00.png"), "out/" + joined)
        let end = try place.starting("run").end()
        #expect(end.status == 65 && end.errors.contains("\(joined) joined the photos of the second round and was changed since"), "\(end.errors)")
        try place.write(bytes, "out/" + joined)
        let other = try place.starting("run", ["--set", "render.prompts=[hta corgi and olis toy]"]).end()
        #expect(other.status == 0, "\(other.errors)")
        let rounds = try #require(try report(place)["rounds"] as? [String: Any])
        #expect(rounds["better"] == nil && (rounds["sentence"] as? String)?.contains("`validation_prompt` or `render` was another in round 1") == true)
    }

    @Test func whatItNeedsIsMissedAtOnce() throws {
        let owlv2 = LookingTests.owlv2
        for (models, says) in [("", "`rounds: 2` needs `owlv2`, which the job's model does not have"), (", owlv2: \(owlv2)", "`rounds: 2` needs `dinov2`")] {
            let place = try Workplace(steps: 2, more: "rounds: 2\nvalidation_prompt: \(Self.prompt)")
            try place.replace("base: \(Workplace.model)", "base: \(Workplace.model)\(models)", in: "segmixd.yaml")
            for end in [try place.check(), try place.starting("run").end(), try place.train()] {
                #expect(end.status == 69 && end.errors.contains(says), "\(end.status): \(end.errors)")
                #expect(!place.exists("out"))
            }
        }
    }

    /// `check` foresees pictures, scores and the second training.
    @Test func whatItWillCost() throws {
        func cost(_ place: Workplace, _ more: String...) throws -> [String: Double] {
            let end = try Program.segmix.run(["check", place.job, "--config", place.configuration, "--json", "--free-memory", "\(12 << 30)"] + more.flatMap { ["--set", $0] })
            return try #require(try JSONSerialization.jsonObject(with: Data(end.output.utf8)) as? [String: Double], "\(end.errors)")
        }
        let place = try Self.workplace("validation_prompt: \(Self.prompt)")
        let two = try cost(place), one = try cost(place, "rounds=1", "join={}"), best = try cost(place, "rounds=1", "join={}", "best_checkpoint=true")
        let blind = try cost(place, "rounds=1", "join={}", "render.prompts=[hta corgi]")
        #expect(two["steps"] == 12 && one["steps"] == 6 && abs(two["seconds"]! - 2 * one["seconds"]!) < 1e-9)
        // Eight candidates beside two times four final and four validation pictures.
        #expect(two["render_seconds"]! > 2 * one["render_seconds"]! && two["scoring_seconds"]! > 2 * one["scoring_seconds"]!)
        #expect(best["scoring_seconds"]! > one["scoring_seconds"]! && one["scoring_seconds"]! > 0 && blind["scoring_seconds"] == 0)
        let said = try place.check()
        #expect(said.output.contains("for twice 12 of them") && said.output.contains("for their scores"), "\(said.output)")
        #expect(said.output.contains("then 8 pictures are drawn and scored; the best of them (at most 3, with a score from -10.0 on) join"))
    }
}
