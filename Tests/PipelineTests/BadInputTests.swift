import Foundation
import Images
import ModelGoldens
import Testing
import Weights

/// Every fault of a job folder, a spec or a model: one clear sentence that names it, exit 65 (69 where the configuration's model is at
/// fault), and nothing written.
@Suite(.serialized) struct BadInputTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let name: String
        /// What the sentence must contain.
        let says: [String]
        let status: Int32
        let spoil: @Sendable (Workplace) throws -> Void

        init(_ name: String, says: String..., status: Int32 = 65, spoil: @escaping @Sendable (Workplace) throws -> Void) {
            (self.name, self.says, self.status, self.spoil) = (name, says, status, spoil)
        }

        var testDescription: String { name }
    }

    static let cases = pictures + lists + specifications + models

    private static let pictures: [Case] = [
        Case("missing photo", says: "a01.png") { try $0.remove("toys/a01.png") },
        Case("missing mask", says: "mask_b00.png") { try $0.remove("toys/mask_b00.png") },
        Case("missing prior picture", says: "prior/class_metadata.jsonl:5", "b01.png") { try $0.remove("toys/prior/b01.png") },
        Case("corrupt photo", says: "a00.png") { try $0.write("this is no picture", "toys/a00.png") },
        Case("empty photo file", says: "a00.png") { try $0.write("", "toys/a00.png") },
        Case("truncated photo", says: "a00.png") { try $0.write($0.data("toys/a00.png").dropLast(60), "toys/a00.png") },
        Case("truncated mask", says: "mask_a00.png") { try $0.write($0.data("toys/mask_a00.png").dropLast(30), "toys/mask_a00.png") },
        Case("a bit of a photo turned over", says: "b00.png") {
            var data = try $0.data("toys/b00.png")
            data[data.count / 2] ^= 4
            try $0.write(data, "toys/b00.png")
        },
        Case("mask of another size", says: "mask_a00.png", "a00.png", "70") {
            try $0.write(PNGEncoder.encode(GrayImage(width: 30, height: 30, bytes: Array(repeating: 255, count: 900))), "toys/mask_a00.png")
        },
        Case("empty mask", says: "mask_a00.png") {
            try $0.write(PNGEncoder.encode(GrayImage(width: 70, height: 88, bytes: Array(repeating: 0, count: 70 * 88))), "toys/mask_a00.png")
        },
        Case("a picture of absurd declared size", says: "a00.png") {
            var data = try $0.data("toys/a00.png")
            data.replaceSubrange(16..<24, with: [0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff])
            try $0.write(data, "toys/a00.png")
        },
    ]

    private static let lists: [Case] = [
        Case("no metadata", says: "metadata.jsonl") { try $0.remove("toys/metadata.jsonl") },
        Case("unknown subject key", says: "metadata.jsonl:3", "\"c\"") { try $0.replace("{\"id\": \"a\", \"file_name\": \"a01.png\"", "{\"id\": \"c\", \"file_name\": \"a01.png\"", in: "toys/metadata.jsonl") },
        Case("broken JSON", says: "metadata.jsonl:4") { try $0.replace("{\"id\": \"b\", \"file_name\": \"b00.png\",", "{\"id\": \"b\", \"file_name\": \"b00.png\"", in: "toys/metadata.jsonl") },
        Case("one subject", says: "segmix_prob") {
            let lines = try $0.text("toys/metadata.jsonl").split(separator: "\n")
            try $0.write(([#"{"id": {"a": "olis toy"}}"#] + lines[1...2].map(String.init)).joined(separator: "\n"), "toys/metadata.jsonl")
            try $0.specify(steps: 4, more: "with_prior_preservation: false")
        },
        Case("a file above the folder", says: "metadata.jsonl:2", "../a00.png") { try $0.replace("\"a00.png\"", "\"../a00.png\"", in: "toys/metadata.jsonl") },
        Case("an absolute path", says: "metadata.jsonl:2", "/etc/hostname") { try $0.replace("\"a00.png\"", "\"/etc/hostname\"", in: "toys/metadata.jsonl") },
        Case("a link that leaves the folder", says: "a00.png") {
            try $0.write($0.data("toys/a00.png"), "elsewhere.png")
            try $0.remove("toys/a00.png")
            try FileManager.default.createSymbolicLink(atPath: $0.job + "/a00.png", withDestinationPath: "../elsewhere.png")
        },
    ]

    private static let specifications: [Case] = [
        Case("a misspelt key", says: "job.yaml:", "rnak", "`rank`") { try $0.replace("rank: 2", "rnak: 2", in: "toys/job.yaml") },
        Case("a value of the wrong type", says: "job.yaml:5", "rank", "many") { try $0.replace("rank: 2", "rank: many", in: "toys/job.yaml") },
        Case("a value out of range", says: "job.yaml:5", "rank") { try $0.replace("rank: 2", "rank: 0", in: "toys/job.yaml") },
        Case("a probability above 1", says: "segmix_prob") { try $0.replace("segmix_prob: 0.5", "segmix_prob: 1.5", in: "toys/job.yaml") },
        Case("an infinite learning rate", says: "learning_rate") { try $0.replace("learning_rate: 0.003", "learning_rate: .inf", in: "toys/job.yaml") },
        Case("broken YAML", says: "job.yaml:") { try $0.write("rank: [1, 2\nseed: 3", "toys/job.yaml") },
        Case("random_flip", says: "random_flip") { try $0.specify(steps: 4, more: "random_flip: true") },
        Case("an unknown model", says: "sdxl", "odd") { try $0.replace("model: odd", "model: sdxl", in: "toys/job.yaml") },
        Case("a resolution that is no multiple", says: "resolution") { try $0.replace("resolution: 64", "resolution: 63", in: "toys/job.yaml") },
        Case("a relative scale for a third subject", says: "relative_scale", "\"c\"") { try $0.specify(steps: 4, more: "relative_scale: {a: 1, b: 0.5, c: 1}") },
        Case("more steps than the sampler takes", says: "scheduler_config.json", "from 1 to 999 sampling steps, not 1000") {
            try $0.replace("{steps: 2}", "{steps: 1000, sampler: dpmpp_2m, prompts: a olis toy}", in: "toys/job.yaml")
        },
        Case("a subject twice in a layout", says: "job.yaml:", "`render.subjects` names a subject twice") {
            try $0.replace("{steps: 2}", "{steps: 2, gamma: 0.07, subjects: [a, a], prompts: an olis toy}", in: "toys/job.yaml")
        },
        Case("no specification", says: "job.yaml") { try $0.remove("toys/job.yaml") },
        Case("two specifications", says: "--spec", "other.yaml") { try $0.write("rank: 2", "toys/other.yaml") },
    ]

    private static let models: [Case] = [
        Case("a missing tensor", says: "mid_block.attentions.0.proj_in.weight", status: 69) { try Self.rewriteUNet($0) { $0 == "mid_block.attentions.0.proj_in.weight" ? nil : ($0, $1) } },
        Case("a surplus tensor", says: "extra.weight", status: 69) { try Self.rewriteUNet($0) { ($0 == "conv_out.bias" ? "extra.weight" : $0, $1) } },
        Case("a misshapen tensor", says: "conv_out.bias", "[4]", "[2, 2]", status: 69) { try Self.rewriteUNet($0) { ($0, $0 == "conv_out.bias" ? [2, 2] : $1) } },
        Case("a truncated model file", says: "diffusion_pytorch_model.safetensors", status: 69) {
            try $0.useCopyOfModel()
            let file = "model/vae/diffusion_pytorch_model.safetensors"
            try $0.write($0.data(file).dropLast(9), file)
        },
        Case("a missing model file", says: "text_encoder_2", status: 69) {
            try $0.useCopyOfModel()
            try $0.remove("model/text_encoder_2/model.safetensors")
        },
        Case("a broken config.json", says: "unet/config.json", status: 69) {
            try $0.useCopyOfModel()
            try $0.write("{", "model/unet/config.json")
        },
        Case("a missing part of the model", says: "unet/config.json", status: 69) {
            try $0.useCopyOfModel()
            try $0.remove("model/unet")
        },
        Case("a model of another kind", says: "model_index.json", "use an SDXL model", status: 69) {
            try $0.useCopyOfModel()
            try $0.write("{\"_class_name\": \"StableDiffusionPipeline\"}", "model/model_index.json")
        },
        Case("a link to a model file that is not there", says: "vae/diffusion_pytorch_model.safetensors is a link to a file that is not there", "cp -L", status: 69) {
            try $0.useCopyOfModel()
            let file = "model/vae/diffusion_pytorch_model.safetensors"
            try $0.remove(file)
            try FileManager.default.createSymbolicLink(atPath: $0.path + "/" + file, withDestinationPath: "../../blobs/5f2a")
        },
        Case("a pipe among the model's files", says: "tokenizer/vocab.json is not an ordinary file", status: 69) {
            try $0.useCopyOfModel()
            try $0.remove("model/tokenizer/vocab.json")
            mkfifo($0.path + "/model/tokenizer/vocab.json", 0o644)
        },
        Case("a schedule that the sampler cannot follow", says: "scheduler_config.json", "thresholding is not supported") {
            try $0.useCopyOfModel()
            let file = "model/scheduler/scheduler_config.json"
            try $0.write("{\"thresholding\": true," + $0.text(file).trimmingCharacters(in: .whitespacesAndNewlines).dropFirst(), file)
            try $0.replace("{steps: 2}", "{steps: 2, sampler: ddim, prompts: a olis toy}", in: "toys/job.yaml")
        },
        Case("no model directory", says: "/nowhere/model", status: 69) { try $0.replace(Workplace.model, "/nowhere/model", in: "segmixd.yaml") },
    ]

    /// Copies the model and writes its UNet anew, each tensor under the name and shape that `change` gives; nil: left out.
    private static func rewriteUNet(_ place: Workplace, _ change: (String, [Int]) -> (String, [Int])?) throws {
        try place.useCopyOfModel()
        let path = place.path + "/model/unet/diffusion_pytorch_model.safetensors", file = try SafetensorsFile(path)
        var writer = SafetensorsWriter(metadata: file.metadata)
        for entry in file.entries {
            guard let (name, shape) = change(entry.name, entry.shape) else { continue }
            writer.add(name, shape: shape, try file.floats(entry.name))
        }
        try writer.write(to: path)
    }

    @Test(arguments: cases) func saysWhatIsWrong(_ one: Case) throws {
        let place = try Workplace()
        try one.spoil(place)
        let checked = try place.check()
        #expect(checked.status == one.status, "\(checked.status): \(checked.errors)")
        let sentences = checked.errors.split(separator: "\n")
        #expect(sentences.contains { sentence in one.says.allSatisfy { sentence.contains($0) } }, "\(checked.errors)")
        #expect(sentences.allSatisfy { !$0.contains("Fatal error") && $0.count > 20 }, "\(checked.errors)")

        let trained = try place.train()
        #expect(trained.status == one.status && trained.errors == checked.errors, "\(trained.status): \(trained.errors)")
        #expect(!place.exists("out"), "something was written: \(place.names("out"))")
    }

    /// Who handed the folder in is told of it as well, and of a model that the job names by its path.
    @Test func aBrokenModelAndABrokenFolder() throws {
        let place = try Workplace(), file = "model/text_encoder_2/model.safetensors"
        try place.useCopyOfModel()
        try place.remove(file)
        try place.write("no picture", "toys/a01.png")
        let both = try place.check(), sentences = both.errors.split(separator: "\n")
        #expect(both.status == 65 && sentences.count == 2, "\(both.errors)")
        for says in ["text_encoder_2", "a01.png"] { #expect(sentences.contains { $0.contains(says) }, "\(both.errors)") }

        let second = try Workplace()
        try second.useCopyOfModel()
        try second.remove(file)
        try second.replace("model: odd", "model: \(second.path)/model", in: "toys/job.yaml")
        let named = try second.check()
        #expect(named.status == 65 && named.errors.contains("text_encoder_2"), "\(named.status): \(named.errors)")
    }

    /// How to run something as a user who is not root; nil where that cannot be done.
    private static let asSomebody: [String]? = {
        if geteuid() != 0 { return [] }
        let prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        return (try? run(prefix + [Program.segmix.path, "--version"]))?.status == 0 ? prefix : nil
    }()

    private static func run(_ words: [String]) throws -> (status: Int32, errors: String) {
        let process = Process(), errors = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = words
        process.standardOutput = FileHandle.nullDevice
        process.standardError = errors
        try process.run()
        let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, said)
    }

    @Test(.enabled(if: asSomebody != nil, "root may read everything")) func aModelThatMayNotBeRead() throws {
        for part in ["unet", "unet/config.json"] {
            let place = try Workplace()
            try place.useCopyOfModel()
            try #require(chmod(place.path + "/model/" + part, 0) == 0)
            defer { chmod(place.path + "/model/" + part, 0o700) }
            let end = try Self.run(Self.asSomebody! + [Program.segmix.path, "check", place.job, "--config", place.configuration])
            #expect(end.status == 69 && end.errors.hasPrefix("\(place.path)/model/\(part) may not be read by this program"), "\(end.status): \(end.errors)")
        }
    }

    /// Each shard of a model stays open, and what a shell allows at first may be less.
    @Test func moreShardsThanTheShellAllows() throws {
        let place = try Workplace()
        try place.useCopyOfModel()
        let folder = place.path + "/model/unet/", whole = folder + "diffusion_pytorch_model.safetensors", file = try SafetensorsFile(whole)
        var map: [String: String] = [:]
        for (i, entry) in file.entries.enumerated() {
            var writer = SafetensorsWriter()
            writer.add(entry.name, shape: entry.shape, try file.floats(entry.name))
            map[entry.name] = "\(i).safetensors"
            try writer.write(to: folder + "\(i).safetensors")
        }
        try JSONSerialization.data(withJSONObject: ["weight_map": map]).write(to: URL(fileURLWithPath: whole + ".index.json"))
        try FileManager.default.removeItem(atPath: whole)
        try #require(map.count > 64)
        let end = try Self.run(["sh", "-c", "ulimit -Sn 64; exec \"$@\"", "sh", Program.segmix.path, "check", place.job, "--config", place.configuration])
        #expect(end.status == 0, "\(end.status): \(end.errors)")
    }

    /// What is wrong with spec and model is said at once, of the model that the job has.
    @Test func textsAndModelAtOnce() throws {
        let place = try Workplace(more: "rang: 3")
        try place.replace(Workplace.model, "/nowhere/model", in: "segmixd.yaml")
        let both = try place.check(), other = try Program.segmix.run("check", place.job, "--config", place.configuration, "--set", "model=" + Workplace.model)
        #expect(both.status == 65 && both.errors.contains("unknown key `rang`") && both.errors.contains("/nowhere/model: the model's directory is not there"), "\(both.errors)")
        #expect(other.status == 65 && other.errors.contains("unknown key `rang`") && !other.errors.contains("/nowhere"), "\(other.errors)")
    }

    /// Pictures on the way are drawn by another sampler where DPM-Solver++ cannot.
    @Test func validationFollowsEverySchedule() throws {
        let place = try Workplace(steps: 2, more: "validation_prompt: a olis toy\nvalidation_steps: 1\nnum_validation_images: 1")
        try place.useCopyOfModel()
        let file = "model/scheduler/scheduler_config.json"
        try place.write("{\"use_lu_lambdas\": true," + place.text(file).trimmingCharacters(in: .whitespacesAndNewlines).dropFirst(), file)
        let end = try place.starting("run").end()
        try #require(end.status == 0, "\(end.errors)")
        let png = try place.data("out/samples/step-000001-00.png")
        #expect(PNGText.value(of: "parameters", in: png)?.contains("Sampler: Euler,") == true)
    }

    /// Nothing is put into layouts of photos without masks, which is said before the training; the training alone needs none.
    @Test func layoutsOfPhotosWithoutMasks() throws {
        let place = try Workplace(steps: 1)
        try place.replace("segmix_prob: 0.5", "segmix_prob: 0", in: "toys/job.yaml")
        try place.replace("{steps: 2}", "{steps: 2, gamma: [0, 0.07], prompts: an olis toy and a hta corgi}", in: "toys/job.yaml")
        for photo in ["a00", "a01"] { try place.replace(", \"mask_path\": \"mask_\(photo).png\"", "", in: "toys/metadata.jsonl") }
        for end in [try place.check(), try place.starting("run").end()] {
            #expect(end.status == 65 && end.errors.contains("No photo of the subject \"a\" has a mask"), "\(end.errors)")
        }
        #expect(!place.exists("out"))
        #expect(try place.train().status == 0)
    }

    @Test func aGoodJobIsInOrder() throws {
        let end = try Workplace().check()
        #expect(end.status == 0 && end.errors.isEmpty && end.output.contains("2 subjects, 4 photos, 4 prior pictures"), "\(end.errors)\(end.output)")
    }

    @Test func byteOrderMarkAndCRLFAreTaken() throws {
        let place = try Workplace()
        for name in ["toys/metadata.jsonl", "toys/prior/class_metadata.jsonl", "toys/job.yaml"] {
            try place.write(Data([0xef, 0xbb, 0xbf]) + Data(place.text(name).replacingOccurrences(of: "\n", with: "\r\n").utf8), name)
        }
        let end = try place.check()
        #expect(end.status == 0, "\(end.errors)")
    }

    @Test func allFaultsAreSaidAtOnce() throws {
        let place = try Workplace()
        for name in ["toys/a01.png", "toys/mask_b00.png", "toys/prior/a00.png"] { try place.write("no picture", name) }
        let end = try place.check(), sentences = end.errors.split(separator: "\n")
        #expect(end.status == 65 && sentences.count == 3, "\(end.errors)")
        for name in ["a01.png", "mask_b00.png", "prior/a00.png"] { #expect(sentences.contains { $0.contains(name) }, "\(name): \(end.errors)") }
    }

    /// Who mends the list is not told of the photo only then.
    @Test func brokenPicturesAreSaidBesideABrokenList() throws {
        let place = try Workplace()
        for name in ["toys/a01.png", "toys/mask_b00.png", "toys/prior/a00.png"] { try place.write("no picture", name) }
        try place.replace("\"a00.png\"", "\"a77.png\"", in: "toys/metadata.jsonl")
        try place.replace("rank: 2", "rnak: 2", in: "toys/job.yaml")
        let end = try place.check(), sentences = end.errors.split(separator: "\n")
        #expect(end.status == 65 && sentences.count == 5, "\(end.errors)")
        for name in ["a77.png", "rnak", "a01.png", "mask_b00.png", "prior/a00.png"] { #expect(sentences.contains { $0.contains(name) }, "\(name): \(end.errors)") }

        let second = try Workplace()
        try second.write("no picture", "toys/a01.png")
        try second.replace(Workplace.model, "/nowhere/model", in: "segmixd.yaml")
        let modelless = try second.check()
        #expect(modelless.status == 69 && modelless.errors.hasPrefix("/nowhere/model: ") && modelless.errors.contains("\na01.png"), "\(modelless.errors)")
    }

    /// What would otherwise be passed over in silence.
    @Test(arguments: [("SEGMIX_THREADS", "two"), ("SEGMIX_THREADS", "0"), ("SEGMIX_ISA", "avx-2")]) func environment(_ name: String, _ value: String) throws {
        let place = try Workplace(), end = try Program.segmix.run(["check", place.job, "--config", place.configuration], environment: [name: value])
        #expect(end.status == 64 && end.errors.hasPrefix("\(name) is “\(value)”"), "\(end.status): \(end.errors)")
    }

    /// Batch systems limit the address space where they mean memory.
    @Test func littleAddressSpace() throws {
        let place = try Workplace()
        let end = try Program(at: "/bin/bash").run(["-c", "ulimit -v 8000000; exec \"$0\" check \"$1\" --config \"$2\"", Program.segmix.path, place.job, place.configuration])
        #expect(end.status == 0, "\(end.status): \(end.errors)")
    }

    /// More threads than there could ever be.
    @Test func countlessThreads() throws {
        let place = try Workplace()
        let end = try Program.segmix.run(["check", place.job, "--config", place.configuration], environment: ["SEGMIX_THREADS": "4611686018427387904"])
        #expect(end.status == 0, "\(end.status): \(end.errors)")
    }

    @Test func versions() throws {
        for program in [Program.segmix, .segmixd] {
            let end = try program.run("--version")
            #expect(end.status == 0 && end.output.hasPrefix((program.path as NSString).lastPathComponent + " 0."), "\(end.output)\(end.errors)")
        }
    }

    @Test func wrongUsage() throws {
        for arguments in [["bake"], ["train"], ["train", "x"], ["check"], ["run", "x", "--output"], ["check", "x", "--steps", "3"], ["check", "x", "--set", "rank"]] {
            let end = try Program.segmix.run(arguments)
            #expect(end.status == 64 && !end.errors.isEmpty, "\(arguments): \(end.status) \(end.errors)")
        }
        let place = try Workplace(), missing = try Program.segmix.run("check", place.path + "/nothing", "--config", place.configuration)
        #expect(missing.status == 65 && missing.errors.contains(place.path + "/nothing"), "\(missing.errors)")
        let configuration = try Program.segmix.run("check", place.job, "--config", place.path + "/none.yaml")
        #expect(configuration.status == 65 && configuration.errors.contains("none.yaml"), "\(configuration.errors)")
        #expect(try Program.segmix.run("--help").status == 0)
    }

    @Test func settingsOnTheCommandLineAreCheckedToo() throws {
        let place = try Workplace(), end = try place.train("--set", "rank=lots")
        #expect(end.status == 65 && end.errors.contains("rank") && end.errors.contains("lots") && !place.exists("out"), "\(end.errors)")
    }
}
