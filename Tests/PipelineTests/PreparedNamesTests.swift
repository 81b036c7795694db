import Diffusion
import Files
import Foundation
import Jobs
import TestFolders
import Testing

@testable import Pipeline

/// What preparation calls its files, and what it tells models by.
struct PreparedNamesTests {
    @Test func noMaskIsCalledAsSomethingElse() {
        let names = PreparedFolder.names([
            ("b00.png", false), ("overlay-b00.png", false), ("B00.jpg", false), ("x/b00.png", false), ("Prior-a000.png", false), ("rejected-a000-2.png", false),
            ("prior/b00.png", true),
        ])
        // With what is put around it a name goes into 143 bytes, which encrypted shares take.
        let long = String(repeating: "写真", count: 41), both = PreparedFolder.names([(long + ".png", false), (long + ".jpg", false)])
        #expect(Set(both).count == 2 && both.allSatisfy { PreparedFolder(path: "").overlay(named: $0, isPrior: true).split(separator: "/").last!.utf8.count <= 143 && long.hasPrefix($0.prefix(35)) })
        #expect(names == ["b00", "photo-overlay-b00", "B00-2", "x-b00", "photo-Prior-a000", "photo-rejected-a000-2", "prior-b00"])
        let folder = PreparedFolder(path: "/o")
        let masks = names.dropLast().map { folder.mask(named: $0, isPrior: false) }, overlays = names.dropLast().map { folder.overlay(named: $0, isPrior: false) }
        #expect(Set((masks + overlays).map { $0.lowercased() }).count == masks.count + overlays.count)
    }

    /// A LoRA that was fused into a model changes neither names nor sizes, and not the beginning of the file.
    @Test func modelsDifferWhereverTheyDo() throws {
        let folder = try TemporaryFolder(), file = folder.path + "/unet/model.safetensors"
        try FileManager.default.createDirectory(atPath: folder.path + "/unet", withIntermediateDirectories: true)
        var bytes = Data(count: 5 << 20)
        try bytes.write(to: URL(fileURLWithPath: file))
        let before = try DirectoryFingerprint.of([folder.path])
        for start in [0, 1 << 20, 3 << 20, (5 << 20) - (1 << 20)] {
            bytes = Data(count: 5 << 20)
            bytes.replaceSubrange(start..<start + (1 << 20), with: Data(repeating: 1, count: 1 << 20))
            try bytes.write(to: URL(fileURLWithPath: file))
            #expect(try DirectoryFingerprint.of([folder.path]) != before, "\(start)")
        }
        try Data(count: 5 << 20).write(to: URL(fileURLWithPath: file))
        #expect(try DirectoryFingerprint.of([folder.path]) == before)
        // A variant that is not read makes no other model; where it is the only one, it is read.
        let variant = folder.path + "/unet/model.fp16.safetensors"
        try Data(count: 9).write(to: URL(fileURLWithPath: variant))
        try Data(count: 9).write(to: URL(fileURLWithPath: folder.path + "/unet/model.safetensors.index.fp16.json"))
        // Nor does what published models have beside their parts, even a link that leads nowhere.
        try FileManager.default.createDirectory(atPath: folder.path + "/vae_1_0", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: folder.path + "/vae_1_0/model.safetensors", withDestinationPath: "/nowhere")
        for notes in ["notes.json", "unet/notes.txt", "sd_xl_base_1.0.safetensors", "vae_1_0/config.json"] { try Data(count: 9).write(to: URL(fileURLWithPath: folder.path + "/" + notes)) }
        #expect(try DirectoryFingerprint.of([folder.path]) == before)
        try FileManager.default.removeItem(atPath: file)
        let alone = try DirectoryFingerprint.of([folder.path])
        try Data(repeating: 1, count: 9).write(to: URL(fileURLWithPath: variant))
        #expect(try DirectoryFingerprint.of([folder.path]) != alone && alone != before)
        // Nobody writes into it: whoever opened it would wait for ever.
        try #require(mkfifo(folder.path + "/unet/config.json", 0o644) == 0)
        #expect(throws: FileError.self) { try DirectoryFingerprint.of([folder.path]) }
    }

    /// Runs of earlier releases go on: they told models by what lay beside their parts, too.
    @Test func aModelIsKnownAsItWas() throws {
        let place = try Workplace()
        try place.useCopyOfModel()
        let model = SDXLDirectory(place.path + "/model"), own = try ModelIdentity(model, files: [], known: nil).fingerprint
        #expect(DirectoryFingerprint.former(model) == own)
        try FileManager.default.createDirectory(atPath: model.path + "/vae_1_0", withIntermediateDirectories: false)
        for file in ["vae_1_0/config.json", "sd_xl_base_1.0.safetensors"] { try place.write("{}", "model/" + file) }
        let former = try #require(DirectoryFingerprint.former(model))
        #expect(try former != own && ModelIdentity(model, files: [], known: nil).fingerprint == own)
        for (known, wanted) in [(former, former), (own, own), ("another", own)] { #expect(try ModelIdentity(model, files: [], known: known).fingerprint == wanted) }
        // They had no variants; and what cannot be read is nobody's.
        try FileManager.default.copyItem(atPath: model.path + "/unet/diffusion_pytorch_model.safetensors", toPath: model.path + "/unet/diffusion_pytorch_model.fp16.safetensors")
        let half = SDXLDirectory(model.path, variant: .fp16)
        #expect(try ModelIdentity(half, files: [], known: own).fingerprint != own && ModelIdentity(half, files: [], known: former).fingerprint != former)
        try FileManager.default.createSymbolicLink(atPath: model.path + "/gone.safetensors", withDestinationPath: "/nowhere")
        #expect(try DirectoryFingerprint.former(model) == nil && ModelIdentity(model, files: [], known: former).fingerprint == own)
    }

    /// Both files of a VAE of its own are told apart, too.
    @Test func aVariantIsAnotherModel() throws {
        let folder = try TemporaryFolder()
        for (name, size) in [("diffusion_pytorch_model.safetensors", 40), ("diffusion_pytorch_model.fp16.safetensors", 20), ("config.json", 2)] {
            try Data(count: size).write(to: URL(fileURLWithPath: folder.path + "/" + name))
        }
        let full = try DirectoryFingerprint.files(folder.path), half = try DirectoryFingerprint.files(folder.path, variant: .fp16)
        #expect(full.map { $0.dropFirst(folder.path.count + 1) } == ["config.json", "diffusion_pytorch_model.safetensors"])
        #expect(half.map { $0.dropFirst(folder.path.count + 1) } == ["config.json", "diffusion_pytorch_model.fp16.safetensors"])
        #expect(try DirectoryFingerprint.of([folder.path]) != DirectoryFingerprint.of([folder.path], variant: .fp16))
    }

    /// The thousandth image of "a" is not the first of "a1".
    @Test func priorImagesOfDifferentSubjectsHaveDifferentNames() throws {
        let place = try Workplace(more: "num_class_images: 2002")
        try place.remove("toys/prior")
        try place.write(place.text("toys/metadata.jsonl").replacing("\"b\"", with: "\"a1\""), "toys/metadata.jsonl")
        let job = try Job.load(JobFolder(place.job)), plans = try PriorPlan.plans(job, model: "m", sampler: .euler, finder: "f", factor: 8)
        #expect(plans.map(\.count) == [1001, 1001] && plans.map { $0.name(7) } == ["a007", "a1-007"])
        #expect(Set(PriorPreparation.lines(plans).map(\.photo)).count == 2002)
    }
}
