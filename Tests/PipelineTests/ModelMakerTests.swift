import CPUDevice
import Diffusion
import Files
import Foundation
import Jobs
import Tensors
import TestFolders
import Testing
import Weights

@testable import Pipeline

@Suite(.serialized) struct ModelMakerTests {
    /// The part's tensors, planned from a preset's configurations alone.
    private func plan(_ preset: ModelPreset, vocabulary: Int) throws -> ModelPlan {
        let folder = try TemporaryFolder()
        let shape = ModelShape(preset, vocabulary: vocabulary)
        for part in ModelPart.allCases {
            try FileManager.default.createDirectory(atPath: "\(folder.path)/\(part.rawValue)", withIntermediateDirectories: true)
            try Data(shape[part].json.utf8).write(to: URL(fileURLWithPath: "\(folder.path)/\(part.rawValue)/config.json"))
        }
        return try ModelPlan(directory: folder.path, shape: shape, vocabulary: vocabulary)
    }

    /// The numbers of parameters that diffusers and transformers count in stable-diffusion-xl-base-1.0.
    @Test func sdxlHasSDXLsTensors() throws {
        let plan = try plan(.sdxl, vocabulary: 49408)
        func count(_ part: ModelPart) -> Int { plan.tensors[part]!.reduce(0) { $0 + $1.count } }
        #expect(count(.unet) == 2_567_463_684)
        #expect(count(.vae) == 83_653_863)
        #expect(count(.textEncoder) == 123_060_480)
        #expect(count(.textEncoder2) == 694_659_840)
        #expect(plan.tensors[.unet]!.count == 1680)
        #expect(plan.tensors[.textEncoder2]!.count == 517)
        let keys = Set(plan.tensors[.unet]!.map(\.key))
        #expect(keys.count == 1680)
        #expect(keys.contains("down_blocks.2.attentions.1.transformer_blocks.9.attn2.to_out.0.weight"))
    }

    @Test func quarterHasTheSameTensorsAQuarterAsWide() throws {
        let quarter = try plan(.quarter, vocabulary: 49408).tensors[.unet]!, whole = try plan(.sdxl, vocabulary: 49408).tensors[.unet]!
        #expect(quarter.map(\.key) == whole.map(\.key))
        let shapes = Dictionary(uniqueKeysWithValues: quarter.map { ($0.key, $0.shape) })
        let wide = Dictionary(uniqueKeysWithValues: whole.map { ($0.key, $0.shape) })
        for key in ["conv_norm_out.weight", "mid_block.attentions.0.transformer_blocks.9.attn2.to_k.weight", "up_blocks.2.resnets.2.conv1.weight"] {
            #expect(shapes[key]![0] * 4 == wide[key]![0] && (shapes[key]!.count == 1 || shapes[key]![1] * 4 == wide[key]![1]), "\(key)")
        }
    }

    /// Prior pictures of a class are the same, bit for bit, whatever other classes a job has.
    @Test(arguments: [ModelPreset.tiny, .small], [ElementType.float32, .float16])
    func aPromptDoesNotDependOnThoseEncodedWithIt(preset: ModelPreset, type: ElementType) throws {
        CPUDevice.install()
        let folder = try TemporaryFolder()
        _ = try ModelMaker(preset: preset, seed: 3, type: type).write(to: folder.path + "/model")
        let encoder = try PromptEncoder(SDXLDirectory(folder.path + "/model"))
        let prompts = (1...9).map { "a photo of \($0) dogs" }, together = encoder.encode(prompts)
        for prompt in [prompts[0], prompts[5], prompts[8]] {
            let alone = encoder.encode([prompt])[prompt], beside = together[prompt]
            #expect(alone.states.values == beside.states.values && alone.pooled.values == beside.pooled.values, "\(prompt)")
        }
    }

    @Test(arguments: ElementType.allCases) func aTinyModelLoadsAndComputes(type: ElementType) throws {
        CPUDevice.install()
        let folder = try TemporaryFolder()
        let parts = try ModelMaker(preset: .tiny, seed: 3, type: type).write(to: folder.path + "/model")
        #expect(parts.map(\.part) == ModelPart.allCases)
        #expect((100_000...500_000).contains(parts[0].parameters))
        #expect(parts[0].bytes == parts[0].parameters * type.byteCount)

        let model = SDXLDirectory(folder.path + "/model")
        let unet = try model.loadUNet(), vae = try model.loadVAE()
        #expect(vae.configuration.downsampling == 8)
        let table = try PromptEncoder(model).encode(["a photo of a sks toy robot", "blurry"])
        let prompts = (table.batch(["a photo of a sks toy robot"]), table.batch(["blurry"]))
        #expect(prompts.0.states.shape == [1, 77, 64] && prompts.0.pooled.shape == [1, 40])
        func noise(_ shape: [Int]) -> Tensor {
            var stream = RandomStream(seed: 1, purpose: .noise)
            return Tensor(stream.normals(shape.reduce(1, *)), shape: shape)
        }
        func predict(_ prompt: PromptEmbedding, _ time: Float) -> [Float] {
            unet(noise([1, 16, 16, 4]), timesteps: [time], prompt: prompt, timeIDs: [[128, 128, 0, 0, 128, 128]]).values
        }
        let prediction = predict(prompts.0, 500)
        #expect((0.1...3).contains(deviation(prediction)))
        #expect(zip(prediction, predict(prompts.1, 500)).contains { abs($0 - $1) > 1e-3 }, "the prompt has no effect")
        #expect(zip(prediction, predict(prompts.0, 900)).contains { abs($0 - $1) > 1e-3 }, "the timestep has no effect")

        let pixels = Tensor(noise([1, 64, 64, 3]).values.map { max(-1, min(1, $0)) }, shape: [1, 64, 64, 3])
        let latents = vae.latents(pixels, noise: noise([1, 8, 8, 4]))
        #expect((0.2...4).contains(deviation(latents.values)))
        #expect((0.1...3).contains(deviation(vae.decode(latents).values)))
    }

    private func deviation(_ values: [Float]) -> Float {
        let mean = values.reduce(0, +) / Float(values.count)
        return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(values.count)).squareRoot()
    }

    @Test func theSeedDecidesEveryByte() throws {
        let folder = try TemporaryFolder()
        for (name, seed) in [("a", 5), ("b", 5), ("c", 6)] as [(String, UInt64)] { try ModelMaker(seed: seed).write(to: "\(folder.path)/\(name)") }
        func file(_ model: String) -> Data? { FileManager.default.contents(atPath: "\(folder.path)/\(model)/unet/diffusion_pytorch_model.safetensors") }
        #expect(file("a") != nil && file("a") == file("b"))
        #expect(file("a") != file("c"))
    }

    /// A half-precision file holds the float32 file's numbers, rounded to nearest.
    @Test func typesAgree() throws {
        let folder = try TemporaryFolder()
        for type in ElementType.allCases { try ModelMaker(seed: 5, type: type).write(to: "\(folder.path)/\(type.rawValue)") }
        func values(_ type: ElementType) throws -> [Float] {
            try SafetensorsFile("\(folder.path)/\(type.rawValue)/vae/diffusion_pytorch_model.safetensors").floats("decoder.conv_in.weight")
        }
        let exact = try values(.float32)
        for (type, halfUlp) in [(ElementType.float16, Float(0x1p-11)), (.bfloat16, 0x1p-8)] {
            let rounded = try values(type)
            #expect(zip(exact, rounded).allSatisfy { abs($0 - $1) <= abs($0) * halfUlp + 0x1p-25 }, "\(type)")
            #expect(rounded != exact)
        }
    }

    @Test func theExampleOfTheHelpWorks() throws {
        let folder = try TemporaryFolder(), help = try Program.segmix.run("make-model", "--help").output.replacing(#/\s+/#, with: " ")
        let setting = try #require(help.firstMatch(of: #/'(unet\.[^']+)'/#)?.output.1)
        let end = try Program.segmix.run("make-model", folder.path + "/m", "--set", String(setting))
        #expect(end.status == 0, "\(setting): \(end.errors)")
    }

    @Test func settingsChangeTheModel() throws {
        let folder = try TemporaryFolder()
        try ModelMaker(settings: [
            "unet.block_out_channels=[8, 16, 24]", "unet.attention_head_dim=4", "unet.norm_num_groups=4", "unet.use_linear_projection=false",
            "vae.latents_mean=[0.1, 0, 0, 0]", "vae.latents_std=[1, 2, 1, 1]", "vae.use_quant_conv=false", "scheduler.prediction_type=v_prediction",
        ]).write(to: folder.path + "/m")
        let model = SDXLDirectory(folder.path + "/m")
        CPUDevice.install()
        #expect(try model.loadUNet().configuration.down.map(\.channels) == [8, 16, 24])
        #expect(try model.loadVAE().configuration.latentsMean == [0.1, 0, 0, 0])
        #expect(try model.loadSchedule().prediction == .v_prediction)
    }

    @Test(arguments: [
        ("unet.block_out_chanels=[8]", "did you mean block_out_channels"), ("unets.in_channels=4", "there is no part"),
        ("resolution=4", "is not PART.KEY=VALUE"), ("unet.cross_attention_dim=60", "make it 64"),
        ("unet.projection_class_embeddings_input_dim=90", "need 88"), ("unet.in_channels=9", "vae.latent_channels is 4"),
        ("unet.norm_num_groups=5", "norm groups"), ("text_encoder_2.vocab_size=10", "the tokenizer needs"), ("unet.act_fn=mish", "act_fn"),
        ("scheduler.prediction_type=sample", "prediction_type"),
    ]) func aModelThatCannotBeIsRefusedAndLeavesNothing(setting: String, sentence: String) throws {
        let folder = try TemporaryFolder()
        let error = #expect(throws: (any Error).self) { try ModelMaker(settings: [setting]).write(to: folder.path + "/m") }
        #expect("\(error!)".contains(sentence), "\(error!)")
        #expect(!"\(error!)".contains(".partial"), "\(error!)")
        #expect(folder.contents.isEmpty)
    }

    @Test func aFolderWithSomethingInItIsLeftAlone() throws {
        let folder = try TemporaryFolder()
        try Data("mine".utf8).write(to: URL(fileURLWithPath: folder.path + "/file"))
        #expect(throws: JobFailure.self) { try ModelMaker().write(to: folder.path) }
        #expect(folder.contents == ["file"])
        try FileManager.default.removeItem(atPath: folder.path + "/file")
        try ModelMaker().write(to: folder.path + "/")
        #expect(folder.contents.contains("unet/config.json"))
    }

    @Test func anotherModelsTokenizersAreTaken() throws {
        let folder = try TemporaryFolder()
        try ModelMaker().write(to: folder.path + "/a")
        try ModelMaker(tokenizer: folder.path + "/a").write(to: folder.path + "/b")
        for file in ["tokenizer/vocab.json", "tokenizer_2/tokenizer_config.json", "tokenizer_2/merges.txt"] {
            #expect(FileManager.default.contentsEqual(atPath: "\(folder.path)/a/\(file)", andPath: "\(folder.path)/b/\(file)"), "\(file)")
        }
        #expect(throws: TokenizerError.self) { try ModelMaker(tokenizer: folder.path).write(to: folder.path + "/c") }
    }
}
