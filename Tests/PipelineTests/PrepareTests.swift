import Foundation
import Images
import Jobs
import ModelGoldens
import Testing

/// What a job lacks is made, through the programs: with small random models in place of the default ones, whose masks are
/// nonsense but always the same.
@Suite(.serialized) struct PrepareTests {
    /// A workplace whose photos are bare: no masks, no priors.
    private func bare(steps: Int = 2, saliency: Double = 0.02, priorSteps: Int = 2, settings: String = "", more: String = "num_class_images: 3") throws -> Workplace {
        let place = try Workplace(steps: steps, more: more + "\nprepare: {saliency_threshold: \(saliency), least_agreement: 0, most_rival: 1, prior_steps: \(priorSteps)\(settings)}")
        for (link, target) in [("u2netp", "u2net"), ("mobile_sam", "mobile-sam")] {
            try FileManager.default.createDirectory(atPath: place.path + "/mask-models", withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(
                atPath: "\(place.path)/mask-models/\(link)", withDestinationPath: Golden.folder.appendingPathComponent("vision/\(target)").path)
        }
        try place.write(try place.text("segmixd.yaml") + "mask_models: mask-models\n", "segmixd.yaml")
        try place.remove("toys/prior")
        for name in place.names("toys") where name.hasPrefix("mask_") { try place.remove("toys/" + name) }
        let lines = try place.text("toys/metadata.jsonl").split(separator: "\n").map { $0.replacing(#/"mask_path": "[^"]*", /#, with: "") }
        try place.write(lines.joined(separator: "\n") + "\n", "toys/metadata.jsonl")
        return place
    }

    /// Every file below a folder with its bytes.
    private func tree(_ place: Workplace, _ folder: String) throws -> [String: Data] {
        var files: [String: Data] = [:]
        for case let name as String in FileManager.default.enumerator(atPath: place.path + "/" + folder) ?? .init() {
            var isFolder: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: "\(place.path)/\(folder)/\(name)", isDirectory: &isFolder)
            if !isFolder.boolValue { files[name] = try place.data("\(folder)/\(name)") }
        }
        return files
    }

    private func log(_ place: Workplace, _ folder: String) throws -> [[String: Any]] {
        try place.text(folder + "/masks/masks.jsonl").split(separator: "\n").map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    /// Numbers that are none are not drawn again and again, and no class is blamed for them.
    @Test func aDamagedModelIsNoClasssFault() throws {
        let place = try bare()
        try place.useCopyOfModel()
        try place.spoil("conv_out.bias", of: "unet")
        let end = try place.starting("prepare").end()
        #expect(end.status == 69 && end.errors.contains("\(place.path)/model: prior images came out as numbers that are not finite"), "\(end.errors)")
    }

    @Test func prepareCompletesAJob() throws {
        let place = try bare(), end = try place.starting("prepare").end()
        try #require(end.status == 0, "\(end.errors)")
        #expect(place.names("out") == ["masks", "metadata.jsonl", "prior"])
        #expect(place.names("out/prior") == ["a000.png", "a001.png", "b000.png", "class_metadata.jsonl", "mask_a000.png", "mask_a001.png", "mask_b000.png"])
        let lines = try log(place, "out")
        #expect(lines.map { $0["photo"] as? String } == ["a00.png", "a01.png", "b00.png", "b01.png", "prior/a000.png", "prior/a001.png", "prior/b000.png"])
        #expect(lines.allSatisfy { line in ["rule", "coverage", "predicted_iou", "agreement", "boxes", "mask", "overlay", "key"].allSatisfy { line[$0] != nil } })
        for line in lines {
            let mask = try ImageFile.readMask(place.path + "/out/" + (line["mask"] as! String))
            #expect(mask.width == line["width"] as? Int && mask.height == line["height"] as? Int && Set(mask.bytes) == [0, 255])
            #expect(place.exists("out/" + (line["overlay"] as! String)))
        }
        // Copied into the folder, it is a job that needs nothing more.
        for name in ["masks", "prior"] { try FileManager.default.copyItem(atPath: "\(place.path)/out/\(name)", toPath: "\(place.job)/\(name)") }
        try place.write(place.data("out/metadata.jsonl"), "toys/metadata.jsonl")
        let train = try place.train(to: "trained")
        #expect(train.status == 0, "\(train.errors)")
        #expect(try place.starting("prepare", to: "more").end().output.contains("nothing is missing"))
    }

    /// Drawing prior images may take longer than the training: `check` foresees it.
    @Test func whatItWillCost() throws {
        let place = try bare()
        func seconds(_ more: String...) throws -> Double {
            let end = try Program.segmix.run(["check", place.job, "--config", place.configuration, "--json", "--free-memory", "\(12 << 30)"] + more.flatMap { ["--set", $0] })
            let cost = try JSONSerialization.jsonObject(with: Data(end.output.utf8)) as? [String: Double]
            return try #require(cost?["preparation_seconds"], "\(end.errors)")
        }
        // Two classes of one group of two images each, then of eleven and ten groups.
        let few = try seconds(), longer = try seconds("prepare.prior_steps=12"), many = try seconds("num_class_images=42")
        let masks = try seconds("with_prior_preservation=false"), looks = (few - masks) - (longer - few) / 5
        #expect(0 < masks && masks < few && few < longer && longer < many, "\(masks), \(few), \(longer), \(many)")
        // What is not sampling, decoding and looking, is there once for every picture.
        #expect(abs((many - masks) / 21 * 2 - (few - masks)) < looks, "\(masks), \(few), \(longer), \(many)")
        let bf16 = try seconds("mixed_precision=bf16")
        #expect(abs(bf16 / few - 1) < 0.01, "prior images are drawn in float32: \(bf16), \(few)")
        let said = try place.check()
        #expect(said.output.contains("; before that about ") && said.output.contains("for masks and prior images, of which those that an earlier job has drawn are taken over"), "\(said.output)")
        let whole = try Workplace(), cost = try Program.segmix.run(["check", whole.job, "--config", whole.configuration, "--json", "--free-memory", "\(12 << 30)"])
        let keys = try #require(try JSONSerialization.jsonObject(with: Data(cost.output.utf8)) as? [String: Double])
        #expect(keys["preparation_seconds"] == 0 && cost.status == 0, "\(cost.output)")
        let unsaid = try whole.check()
        #expect(!unsaid.output.contains("before that"), "\(unsaid.output)")
    }

    /// Composites of two corgis are of two, in the prior images too.
    @Test func subjectsOfOneClassHaveImagesOfTheirOwn() throws {
        let place = try bare(more: "num_class_images: 6\nclasses: {a: dog, b: dog}"), end = try place.starting("prepare").end()
        try #require(end.status == 0, "\(end.errors)")
        let pictures = try ["a000", "a001", "a002", "b000", "b001", "b002"].map { try place.data("out/prior/\($0).png") }
        #expect(Set(pictures).count == 6)
        // Both lie in the same cache: what is drawn for three subjects begins with it.
        let again = try place.starting("prepare", to: "again").end()
        #expect(again.status == 0 && !again.output.contains("loading"), "\(again.output)")
        #expect(try tree(place, "again") == tree(place, "out"))
    }

    /// A smaller num_class_images must not shorten the list that is there.
    @Test func theListOfPriorImagesStaysWhole() throws {
        let place = try bare(more: "num_class_images: 2"), whole = try Workplace()
        try FileManager.default.copyItem(atPath: whole.job + "/prior", toPath: place.job + "/prior")
        let list = try place.text("toys/prior/class_metadata.jsonl").replacing(#/"mask_path": "[^"]*", /#, with: "")
        try place.write(list, "toys/prior/class_metadata.jsonl")
        let end = try place.starting("prepare").end()
        try #require(end.status == 0, "\(end.errors)")
        let lines = try place.text("out/prior/class_metadata.jsonl").split(separator: "\n")
        #expect(lines.count == 5 && lines.count { $0.contains("mask_path") } == 2, "\(lines)")
    }

    /// Another photo takes a name that had been given: the mask that had it is made anew under the new one.
    @Test func aPhotoThatComesLater() throws {
        let place = try bare(more: "with_prior_preservation: false")
        try #require(try place.starting("prepare").end().status == 0)
        try place.write(place.data("toys/b01.png"), "toys/A00.png")
        let lines = try place.text("toys/metadata.jsonl").split(separator: "\n").map(String.init)
        let added = #"{"id": "a", "file_name": "A00.png", "text": "a photo of olis toy"}"#
        try place.write(([lines[0], added] + lines[1...]).joined(separator: "\n") + "\n", "toys/metadata.jsonl")
        for folder in ["out", "fresh"] { try #require(try place.starting("prepare", to: folder).end().status == 0) }
        for file in ["metadata.jsonl", "masks/masks.jsonl", "masks/A00.png", "masks/a00-2.png"] {
            #expect(try place.data("out/" + file) == place.data("fresh/" + file), "\(file)")
        }
    }

    /// A photo of both is looked at for each class; without a detector, what stands out is taken for both, and doubted.
    @Test func aPhotoOfTwoSubjects() throws {
        for detects in [true, false] {
            let place = try bare(settings: ", photo_threshold: 0.3, least_threshold: 0.05", more: "with_prior_preservation: false\non_missing_mask: skip")
            if detects {
                try place.replace("base: \(Workplace.model)", "base: \(Workplace.model), owlv2: \(LookingTests.owlv2), sam: \(Golden.folder.appendingPathComponent("vision/sam-a").path)", in: "segmixd.yaml")
            }
            try place.write(try place.text("toys/metadata.jsonl") + #"{"id": "b", "file_name": "a00.png", "text": "both"}"# + "\n", "toys/metadata.jsonl")
            let end = try place.starting("prepare").end(), lines = try log(place, "out").filter { $0["photo"] as? String == "a00.png" }
            #expect(lines.map { $0["subject"] as? String } == (detects ? ["a", "b"] : ["a"]), "\(end.errors)\(end.output)")
            #expect(end.output.contains("the photo is that of several subjects") == !detects, "\(end.output)")
            if detects { #expect(Set(lines.compactMap { $0["overlay"] as? String }) == ["masks/overlay-a00.png", "masks/overlay-a00-2.png"]) }
        }
    }

    @Test func trainingAloneMakesNothing() throws {
        let place = try bare(), end = try place.train()
        #expect(end.status == 65 && end.errors.contains("the photo a00.png has no mask") && end.errors.contains("prior/class_metadata.jsonl: is not there"), "\(end.errors)")
        #expect(!place.exists("out"))
        let check = try place.check()
        #expect(check.status == 0 && check.output.contains("4 masks will be made") && check.output.contains("3 prior images of “toy”, “corgi” will be drawn"), "\(check.errors)")
    }

    /// Bare photos in the inbox, a LoRA in the outbox; and the same LoRA where the preparation was done before.
    @Test func bareFolderThroughTheInbox() throws {
        let place = try bare()
        try FileManager.default.copyItem(atPath: place.job, toPath: place.path + "/inbox/bare")
        let end = try Program.segmixd.run("--config", place.configuration, "--drain")
        try #require(end.status == 0, "\(end.errors)")
        #expect(Set(place.names("outbox/bare")).isSuperset(of: ["masks", "prior", "pytorch_lora_weights.safetensors", "report.json"]))
        #expect(place.exists("outbox/bare/masks/overlay-a00.png") && place.exists("outbox/bare/prior/class_metadata.jsonl"))
        #expect(try place.text("outbox/bare/report.json").contains("masks were made for 4 pictures"))
        let again = try place.starting("run").end()
        #expect(again.status == 0, "\(again.errors)")
        #expect(try place.data("out/pytorch_lora_weights.safetensors") == place.data("outbox/bare/pytorch_lora_weights.safetensors"))
    }

    /// Killed again and again, at moments that no one chose, the set is that of the run that was left alone.
    @Test func killedAtAnyMomentTheSetIsTheSame() throws {
        let place = try bare(more: "num_class_images: 6")
        let whole = try place.starting("prepare", to: "whole").end()
        try #require(whole.status == 0, "\(whole.errors)")
        try place.remove("state/cache")
        var kills = 0
        for wait in 1...40 {
            let running = try place.starting("prepare", to: "killed")
            usleep(UInt32(15_000 * wait))
            let wasRunning = running.process.isRunning
            running.send(SIGKILL)
            let end = running.end()
            if !wasRunning || end.signal == 0 {
                #expect(end.status == 0, "\(end.errors)")
                break
            }
            kills += 1
            // What a kill leaves in the cache is of use or of no harm; half of the time there is nothing.
            if wait.isMultiple(of: 2) { try? place.remove("state/cache") }
        }
        #expect(kills >= 3)
        #expect(try place.starting("prepare", to: "killed").end().status == 0)
        #expect(try tree(place, "killed") == tree(place, "whole"))
    }

    @Test func stoppedItGoesOn() throws {
        let place = try bare(priorSteps: 400, more: "num_class_images: 2")
        let running = try place.starting("prepare")
        running.until { place.exists("out/masks/b01.png") }
        running.send(SIGTERM)
        #expect(running.end().status == 75)
        #expect(place.exists("out/masks/b01.png") && !place.exists("out/prior/class_metadata.jsonl"))
        #expect(try place.starting("prepare", ["--set", "prepare.prior_steps=2"]).end().status == 0)
    }

    /// Where Euler cannot follow a model's schedule, its ancestral form draws; where no form can, that is no fault of the job's.
    @Test func priorImagesFollowTheSchedule() throws {
        let place = try bare(), file = "model/scheduler/scheduler_config.json"
        try place.useCopyOfModel()
        let text = try place.text(file).trimmingCharacters(in: .whitespacesAndNewlines)
        for (keys, status) in [("\"use_beta_sigmas\": true, ", Int32(0)), ("\"trained_betas\": [\(Array(repeating: "0.9", count: 1000).joined(separator: ", "))], ", 69)] {
            try place.write("{" + keys + text.dropFirst().replacing("\"trained_betas\": null", with: "\"x\": null"), file)
            let end = try status == 0 ? place.starting("prepare").end() : place.check()
            if status == 69 {
                try place.replace("seed:", "validation_prompt: an olis toy\nseed:", in: "toys/job.yaml")
                #expect(try place.check().status == 69)
            }
            #expect(end.status == status && end.errors.contains("use another sampler") == (status == 69), "\(end.status): \(end.errors)")
        }
    }

    /// A training goes on with what it was begun with, and says so where it would be made otherwise by now.
    @Test func whatTheTrainingBeganWithStays() throws {
        let place = try bare(steps: 400)
        let running = try place.starting("run")
        running.until { place.stepsWritten() > 0 }
        running.send(SIGTERM)
        try #require(running.end().status == 75)
        let made = try tree(place, "out/prior")
        for (setting, isOther) in [("prepare.prior_steps=2", false), ("prepare.prior_steps=3", true)] {
            let again = try place.starting("run", ["--set", setting])
            again.until { again.output.contains("step") }
            again.send(SIGTERM)
            let end = again.end()
            #expect(end.status == 75, "\(end.errors)")
            #expect(end.output.contains("stay those that the training began with") == isOther, "\(end.output)")
        }
        #expect(try tree(place, "out/prior") == made)
    }

    @Test func priorsComeFromTheCache() throws {
        let place = try bare()
        #expect(try place.starting("prepare", to: "first").end().output.contains("loading"))
        try #require(place.names("state/cache/priors").count == 2)
        let second = try place.starting("prepare", to: "second").end()
        #expect(second.status == 0 && !second.output.contains("loading"))
        #expect(try tree(place, "first") == tree(place, "second"))
        // A damaged picture in the cache is drawn again, and comes out the same.
        let folder = "state/cache/priors/" + place.names("state/cache/priors")[0]
        try place.write(Data([1, 2, 3]), folder + "/000000.png")
        let third = try place.starting("prepare", to: "third").end()
        #expect(third.status == 0 && third.output.contains("loading"))
        #expect(try tree(place, "first") == tree(place, "third"))
        // More images are the same ones and some more; another seed gives others.
        #expect(try place.starting("prepare", ["--set", "num_class_images=5"], to: "more").end().status == 0)
        #expect(try place.data("more/prior/a001.png") == place.data("first/prior/a001.png") && place.exists("more/prior/a002.png"))
        #expect(try place.starting("prepare", ["--set", "seed=6"], to: "other").end().status == 0)
        #expect(try place.data("other/prior/a001.png") != place.data("first/prior/a001.png"))
        // The cache is never larger than it may be, however much the job at hand has in it.
        try place.write(try place.text("segmixd.yaml") + "cache_size: 0\n", "segmixd.yaml")
        #expect(place.names("state/cache/priors").count == 4)
        #expect(try place.starting("prepare", to: "last").end().status == 0)
        #expect(try place.names("state/cache/priors") == [] && tree(place, "last") == tree(place, "first"))
    }

    @Test func twoJobsAtOnceDrawTheSame() throws {
        let place = try bare()
        let one = try place.starting("prepare", to: "one"), two = try place.starting("prepare", to: "two")
        let ends = [one.end(), two.end()]
        #expect(ends.map(\.status) == [0, 0], "\(ends.map(\.errors))")
        #expect(try tree(place, "one") == tree(place, "two"))
    }

    /// A prior image that somebody gave cannot be drawn again: it is looked at as photos are.
    @Test func givenPriorImagesAreLookedAtAsPhotos() throws {
        let place = try bare(settings: ", clear_factor: 1, photo_threshold: 0.01, prior_threshold: 0.999"), vision = Golden.folder.appendingPathComponent("vision").path
        try place.replace("odd: {base: \(Workplace.model)}", "odd: {base: \(Workplace.model), owlv2: \(vision)/owlv2-a, sam: \(vision)/sam-a}", in: "segmixd.yaml")
        try FileManager.default.createDirectory(atPath: place.job + "/prior", withIntermediateDirectories: true)
        for photo in ["a00", "b00"] { try place.write(place.data("toys/\(photo).png"), "toys/prior/\(photo).png") }
        try place.write(
            """
            {"id": {"a": "toy", "b": "corgi"}}
            {"id": "a", "file_name": "a00.png", "text": "A photo of a toy"}
            {"id": "b", "file_name": "b00.png", "text": "A photo of a corgi"}

            """, "toys/prior/class_metadata.jsonl")
        let end = try place.starting("prepare").end()
        #expect(end.status == 0, "\(end.errors)")
    }

    /// OWLv2 without SAM is there for scores.
    @Test func aDetectorAloneMakesNoMasks() throws {
        let place = try bare(more: "with_prior_preservation: false")
        try place.useLookingModels()
        let end = try place.starting("prepare").end()
        #expect(end.status == 0 && end.output.contains("making what is missing with U²-NetP and MobileSAM"), "\(end.errors)")
    }

    @Test func aPhotoThatYieldsNoMask() throws {
        let place = try bare(saliency: 0.9999, more: "with_prior_preservation: false")
        let end = try place.starting("prepare").end()
        #expect(end.status == 65)
        for (i, photo) in ["a00", "a01", "b00", "b01"].enumerated() {
            #expect(end.errors.contains("metadata.jsonl:\(i + 2): no mask could be made of \(photo).png: nothing stands out from the background; masks/overlay-\(photo).png in the output shows what was seen"), "\(end.errors)")
        }
        #expect(place.exists("out/masks/overlay-a00.png") && !place.exists("out/masks/a00.png"))
        let skipped = try place.starting("prepare", ["--set", "on_missing_mask=skip"], to: "skipped").end()
        #expect(skipped.status == 65 && skipped.errors.contains("no photo of the subject \"a\" (olis toy) is left: no mask could be made of a00.png (nothing stands out from the background; masks/overlay-a00.png in the output shows what was seen), a01.png ("), "\(skipped.errors)")
        // Without it nobody needs to look for a way that leads nowhere.
        #expect(!end.errors.contains("remove the photo"))
        // One good mask of each subject is enough.
        try DrawnPhotos.write(to: place.job)
        let lines = try place.text("toys/metadata.jsonl").split(separator: "\n").map { $0.contains("01.png") ? String($0.replacing(#/"mask_path": "[^"]*", /#, with: "")) : String($0) }
        try place.write(lines.joined(separator: "\n") + "\n", "toys/metadata.jsonl")
        let run = try place.starting("run", ["--set", "on_missing_mask=skip"], to: "run").end()
        #expect(run.status == 0 && run.output.contains("a01.png is left out (`on_missing_mask: skip`): nothing stands out"), "\(run.errors)")
    }

    @Test func aClassThatKeepsFailing() throws {
        let place = try bare(settings: ", prior_attempts: 3", more: "num_class_images: 2")
        let end = try place.starting("prepare", ["--set", "prepare.saliency_threshold=0.9999", "--set", "segmix_prob=0"]).end()
        #expect(end.status == 65)
        #expect(end.errors.contains("prior images of “toy” (subject \"a\"): number 1 of 1 was drawn 3 times, and none shows exactly one; the last time, nothing stands out"), "\(end.errors)")
        #expect(end.errors.contains("prior images of “corgi”") && end.errors.contains("masks/rejected-a000-3.png"), "\(end.errors)")
        #expect(place.names("out/masks").filter { $0.hasPrefix("rejected-") }.count == 6)
    }

    /// The class is looked for where the model has a detector and a segmenter.
    @Test func subjectsAreFoundByTheirClass() throws {
        let place = try bare(settings: ", clear_factor: 1, photo_threshold: 0.01", more: "with_prior_preservation: false")
        let vision = Golden.folder.appendingPathComponent("vision").path
        try place.replace("odd: {base: \(Workplace.model)}", "odd: {base: \(Workplace.model), owlv2: \(vision)/owlv2-a, sam: \(vision)/sam-a}", in: "segmixd.yaml")
        let end = try place.starting("prepare").end()
        try #require(end.status == 0, "\(end.errors)")
        let lines = try log(place, "out")
        #expect(lines.map { $0["query"] as? String } == ["toy", "toy", "corgi", "corgi"])
        #expect(lines.allSatisfy { $0["method"] as? String == "detection" && $0["segmented_box"] != nil && ($0["boxes"] as? [[String: Any]])?.first?["score"] != nil })
    }

    /// Where only masks are missing, SDXL need be neither there nor set up.
    @Test func masksAloneNeedNoModel() throws {
        let place = try bare(more: "with_prior_preservation: false"), model = "models: {odd: {base: \(Workplace.model)}}\n"
        let whole = try place.starting("prepare", to: "whole").end()
        try #require(whole.status == 0, "\(whole.errors)")
        try place.replace(model, "models: {odd: {base: /nowhere/sdxl}}\n", in: "segmixd.yaml")
        #expect(try place.starting("prepare", to: "absent").end().status == 0)
        try place.replace("models: {odd: {base: /nowhere/sdxl}}\n", "", in: "segmixd.yaml")
        let bare = try place.starting("prepare", to: "bare").end()
        #expect(bare.status == 0 && bare.output.contains("done: copy what is in"), "\(bare.errors)")
        #expect(try tree(place, "whole") == tree(place, "absent") && tree(place, "whole") == tree(place, "bare"))
        // Prior images are drawn by it, and so is everything that a job comes to.
        let priors = try place.starting("prepare", ["--set", "with_prior_preservation=true"], to: "priors").end()
        #expect(priors.status == 65 && priors.errors.contains("there are none yet") && priors.errors.contains("masks alone are made with `--set with_prior_preservation=false`"), "\(priors.errors)")
        #expect(try place.check().status == 65 && !place.exists("priors"))
        // A model that is named by mistake is said, lest masks come from another pair of models than was meant.
        try place.write(try place.text("segmixd.yaml") + model, "segmixd.yaml")
        let mistaken = try place.starting("prepare", ["--set", "model=old"], to: "mistaken").end()
        #expect(mistaken.status == 65 && mistaken.errors.contains("`model: old` is not among the configuration's `models`"), "\(mistaken.errors)")
    }

    @Test func withoutModelsThereIsOneClearSentence() throws {
        let place = try bare()
        try place.remove("mask-models/u2netp")
        for command in ["prepare", "run"] {
            let end = try place.starting(command).end()
            #expect(end.status == 69 && end.errors.contains("the default mask models are missing") && end.errors.contains("make models"), "\(end.errors)")
        }
        #expect(try place.check().status == 69)
    }
}
