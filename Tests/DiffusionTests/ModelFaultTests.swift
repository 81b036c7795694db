import CPUDevice
import Foundation
import ModelGoldens
import TestFolders
import Testing
import Weights

@testable import Diffusion

/// What a model's own description gives away before any weight is read.
@Suite struct ModelFaultTests {
    init() { CPUDevice.install() }

    /// Hands `check` a folder with a golden model's JSON file `name`, changed by `changes`.
    private func changed(_ name: String, _ changes: [String: Any], check: (String) throws -> Void) throws {
        let folder = try TemporaryFolder()
        let source = try Data(contentsOf: Golden.models.appendingPathComponent("odd-b/\(name)"))
        let object = try #require(try JSONSerialization.jsonObject(with: source) as? [String: Any])
        try folder.write(JSONSerialization.data(withJSONObject: object.merging(changes) { $1 }), to: URL(fileURLWithPath: name).lastPathComponent)
        try check(folder.path)
    }

    /// A pipe nobody writes into, a device without an end, a file that would fill the memory.
    @Test func whatIsNoSmallFileIsNotRead() throws {
        let readers: [(String, (String) throws -> Void)] = [
            ("unet/config.json", { _ = try UNetConfiguration(directory: $0 + "/unet") }),
            ("scheduler/scheduler_config.json", { _ = try SDXLDirectory($0).loadSchedule() }),
            ("tokenizer/vocab.json", { _ = try CLIPTokenizer(directory: URL(fileURLWithPath: $0 + "/tokenizer")) }),
            ("tokenizer/tokenizer_config.json", { _ = try CLIPTokenizer(directory: URL(fileURLWithPath: $0 + "/tokenizer")) }),
        ]
        let kinds: [((String) throws -> Void, String)] = [
            ({ try #require(mkfifo($0, 0o644) == 0) }, "is not an ordinary file"),
            ({ try FileManager.default.createDirectory(atPath: $0, withIntermediateDirectories: false) }, "is not an ordinary file"),
            ({ try FileManager.default.createSymbolicLink(atPath: $0, withDestinationPath: "/dev/zero") }, "is not an ordinary file"),
            ({ path in
                try Data("{".utf8).write(to: URL(fileURLWithPath: path))
                try #require(truncate(path, 100 << 30) == 0)
            }, "is larger than"),
        ]
        for (name, read) in readers {
            for (make, says) in kinds {
                let folder = try TemporaryFolder(copying: Golden.models.path + "/odd-b")
                try folder.remove(name)
                try make(folder.file(name))
                let fault = sentence { try read(folder.path) }
                #expect(fault?.hasPrefix("\(folder.path)/\(name): ") == true && fault?.contains(says) == true, "\(name): \(fault ?? "accepted")")
            }
        }
    }

    /// Without them the tokenizer would go by defaults.
    @Test func settingsThatCannotBeLookedAtAreNotMissing() async {
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryFolder(copying: Golden.models.path + "/odd-b"), file = "tokenizer/tokenizer_config.json"
            try FileManager.default.createDirectory(atPath: folder.file("hidden"), withIntermediateDirectories: false)
            try FileManager.default.moveItem(atPath: folder.file(file), toPath: folder.file("hidden/file"))
            try FileManager.default.createSymbolicLink(atPath: folder.file(file), withDestinationPath: "../hidden/file")
            try #require(chmod(folder.file("hidden"), 0) == 0)
            var said: String?
            try asSomebody { said = sentence { _ = try CLIPTokenizer(directory: URL(fileURLWithPath: folder.file("tokenizer"))) } }
            chmod(folder.file("hidden"), 0o700)
            #expect(said?.hasPrefix("Cannot look at \(folder.path)") == true, "\(said ?? "accepted")")
        }
    }

    @Test func anotherPipelineIsRefused() throws {
        for (kind, isFine) in [
            ("StableDiffusionXLPipeline", true), ("StableDiffusionXLInpaintPipeline", true), ("StableDiffusionPipeline", false), ("FluxPipeline", false),
        ] {
            try changed("model_index.json", ["_class_name": kind]) { folder in
                let fault = sentence { try SDXLDirectory(folder).requireSDXL() }
                #expect((fault == nil) == isFine, "\(kind): \(fault ?? "accepted")")
                if let fault { #expect(fault.hasPrefix(folder + "/model_index.json: ") && fault.contains(kind)) }
            }
        }
        #expect(sentence { try SDXLDirectory("/nowhere").requireSDXL() } == nil, "a directory without model_index.json passes")
    }

    @Test func whatNoUNetOfOursHasIsRefused() throws {
        let cases: [([String: Any], String)] = [
            (["layers_per_block": [0, 1, 1]], "has a 0"), (["layers_per_block": 1_000_000], "above 64"), (["conv_in_kernel": 2], "conv_in_kernel"),
            (["conv_out_kernel": 4], "conv_out_kernel"), (["block_out_channels": [400_000, 400_000, 400_000]], "16384 channels"),
            (["attention_head_dim": [2, 5, 2]], "12 channels do not divide into the 5 heads"), (["norm_num_groups": 5], "norm groups"),
            (["transformer_layers_per_block": [1, 1_000_000, 1]], "transformer blocks"),
            (["transformer_layers_per_block": [0, -1, 0]], "transformer_layers_per_block"),
            (["reverse_transformer_layers_per_block": [1, [-1, -1], 2]], "reverse_transformer_layers_per_block"),
        ]
        try changed("unet/config.json", ["sample_size": [64, 96]]) { folder in #expect(sentence { _ = try UNetConfiguration(directory: folder) } == nil) }
        for (changes, says) in cases {
            try changed("unet/config.json", changes) { folder in
                let fault = sentence { _ = try UNetConfiguration(directory: folder) }
                #expect(fault?.contains(says) == true && fault?.contains("config.json") == true, "\(changes): \(fault ?? "accepted")")
            }
        }
    }

    /// As in diffusers a middle without attention is one residual block, not two.
    @Test func aPlainMiddleIsOneBlock() throws {
        let folder = try TemporaryFolder(copying: Golden.models.path + "/odd-b"), file = "unet/config.json"
        let object = try #require(try JSONSerialization.jsonObject(with: folder.data(file)) as? [String: Any])
        try folder.write(JSONSerialization.data(withJSONObject: object.merging(["mid_block_type": "UNetMidBlock2D"]) { $1 }), to: file)
        do {
            _ = try SDXLDirectory(folder.path).loadUNet()
            Issue.record("the rest of the middle was not missed")
        } catch let faults as WeightFaults {
            #expect(faults.missing.isEmpty && faults.misshapen.isEmpty)
            let rest = faults.unused.map(\.key)
            #expect(rest.allSatisfy { $0.hasPrefix("mid_block.resnets.1.") || $0.hasPrefix("mid_block.attentions.0.") })
            #expect(rest.contains("mid_block.resnets.1.conv1.weight") && rest.contains { $0.hasPrefix("mid_block.attentions.0.") })
        }
    }

    /// Nor any where the type is null, as in diffusers.
    @Test func aUNetWithoutAMiddle() throws {
        try changed("unet/config.json", ["mid_block_type": NSNull()]) { folder in
            let whole = try UNetConfiguration(directory: Golden.models.path + "/odd-b/unet"), c = try UNetConfiguration(directory: folder)
            #expect(c.mid == nil && c.blocks.count == whole.blocks.count - 1 && c.promptWidth == whole.promptWidth)
            let store = try WeightStore(directory: Golden.models.path + "/odd-b/unet", baseName: "diffusion_pytorch_model")
            _ = UNet(store.root, c)
            do {
                try store.finish()
                Issue.record("the middle was asked for")
            } catch let faults as WeightFaults {
                #expect(faults.missing.isEmpty && faults.misshapen.isEmpty && !faults.unused.isEmpty && faults.unused.allSatisfy { $0.key.hasPrefix("mid_block.") })
            }
        }
    }

    @Test func anInpaintingModelIsNone() throws {
        try changed("unet/config.json", ["in_channels": 9]) { folder in
            let unet = try UNetConfiguration(directory: folder), vae = try VAEConfiguration(directory: Golden.models.path + "/odd-b/vae")
            #expect(sentence { try unet.requireLatents(of: vae, at: "/m") }?.contains("/m: the UNet takes 9 and gives 4 channels") == true)
        }
    }

    /// A VAE of SD 1.5 has every tensor of SDXL's.
    @Test func aVAEOfAnotherFamilyIsRefused() throws {
        let model = Golden.models.path + "/odd-b"
        for (changes, isFine) in [([:], true), (["scaling_factor": 0.18215], false), (["latents_mean": NSNull(), "latents_std": NSNull()], false)] as [([String: Any], Bool)] {
            try changed("vae/config.json", changes) { folder in
                let fault = sentence { _ = try SDXLDirectory(model, vae: folder).vaeConfiguration() }
                #expect((fault == nil) == isFine && fault.map { $0.hasPrefix(folder + "/config.json: ") && $0.contains("another kind") } ?? true, "\(changes): \(fault ?? "accepted")")
            }
        }
    }

    @Test func whatAModelIsCalled() {
        for (path, name) in [("/srv/sdxl/", "sdxl"), ("/c/models--ab--x--y/snapshots/0123", "y"), ("/c/models/snapshots/0123", "0123"), ("/", "/")] {
            #expect(SDXLDirectory(path).name == name)
        }
    }

    @Test func latentsNeedAScale() throws {
        let cases: [([String: Any], String?)] = [
            ([:], nil), (["scaling_factor": 0], "scaling_factor"), (["scaling_factor": -0.1], "scaling_factor"),
            (["latents_std": [1, 0, 1, 1]], "latents_std"), (["latents_std": [1, 1, 1]], "latents_std"), (["latents_std": NSNull()], "latents_std"),
        ]
        for (changes, key) in cases {
            try changed("vae/config.json", changes) { folder in
                let fault = sentence { _ = try VAEConfiguration(directory: folder) }
                #expect((fault == nil) == (key == nil), "\(changes): \(fault ?? "accepted")")
                if let fault, let key { #expect(fault.contains(key) && fault.contains("config.json"), "\(fault)") }
            }
        }
    }
}
