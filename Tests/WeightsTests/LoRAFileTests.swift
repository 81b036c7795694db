import Foundation
import Tensors
import TestFolders
import Testing
@testable import Weights

@Suite struct LoRAFileTests {
    let directory: TemporaryFolder
    init() throws {
        _ = device
        directory = try TemporaryFolder()
    }

    @Test func readsWhatDiffusersSaves() throws {
        let peft = try LoRAFile.read(golden("lora_peft.safetensors")), kohya = try LoRAFile.read(golden("lora_kohya.safetensors"))
        #expect(peft.modules.count == 32 && kohya.modules.count == 32)
        #expect(peft.modules.allSatisfy { $0.alpha == 6 && $0.rank == 3 && $0.scale == 2 }, "alpha from PEFT's settings in the metadata")
        #expect(kohya.modules.allSatisfy { $0.alpha == 3 && $0.scale == 1 }, "diffusers' conversion writes alpha as a whole number: the rank")
        for module in peft.modules {
            let twin = try #require(kohya.module(for: module.name, layersPerBlock: 1))
            #expect(twin.down == module.down && twin.up == module.up && twin.inputs == module.inputs && twin.outputs == module.outputs)
        }
        #expect(peft.module(for: "nothing", layersPerBlock: 1) == nil)
    }

    func read(_ tensors: [(String, [Int])], metadata: [String: String] = [:]) throws -> LoRAFile {
        var writer = SafetensorsWriter(metadata: metadata)
        for (name, shape) in tensors { writer.add(name, shape: shape, [Float](repeating: 2, count: shape.reduce(1, *))) }
        try writer.write(to: directory.file("lora.safetensors"))
        return try LoRAFile.read(directory.file("lora.safetensors"))
    }

    @Test(arguments: [
        ("unet.a.attn1.to_q.lora_A.weight", "unet.a.attn1.to_q.lora_B.weight", "a.attn1.to_q"),
        ("a.attn1.to_q.lora_A.default.weight", "a.attn1.to_q.lora_B.default.weight", "a.attn1.to_q"),
        ("base_model.model.unet.a.attn1.to_q.lora_A.weight", "base_model.model.unet.a.attn1.to_q.lora_B.weight", "a.attn1.to_q"),
        ("unet.a.attn1.to_q.lora.down.weight", "unet.a.attn1.to_q.lora.up.weight", "a.attn1.to_q"),
        ("unet.a.attn1.processor.to_q_lora.down.weight", "unet.a.attn1.processor.to_q_lora.up.weight", "a.attn1.to_q"),
        ("unet.a.attn1.processor.to_out_lora.down.weight", "unet.a.attn1.processor.to_out_lora.up.weight", "a.attn1.to_out.0"),
        ("text_encoder.a.q_proj.lora_linear_layer.down.weight", "text_encoder.a.q_proj.lora_linear_layer.up.weight", "text_encoder.a.q_proj"),
        ("lora_unet_a_attn1_to_out_0.lora_down.weight", "lora_unet_a_attn1_to_out_0.lora_up.weight", "a.attn1.to_out.0"),
        ("lora_unet_input_blocks_4_1_attn1_to_k.lora_down.weight", "lora_unet_input_blocks_4_1_attn1_to_k.lora_up.weight", "down_blocks.1.attentions.0.attn1.to_k"),
        ("diffusion_model.input_blocks.4.1.attn1.to_k.lora_down.weight", "diffusion_model.input_blocks.4.1.attn1.to_k.lora_up.weight", "down_blocks.1.attentions.0.attn1.to_k"),
        ("diffusion_model.a.attn1.to_out.0.lora_A.weight", "diffusion_model.a.attn1.to_out.0.lora_B.weight", "a.attn1.to_out.0"),
        ("lycoris_a_attn1_to_out_0.lora_down.weight", "lycoris_a_attn1_to_out_0.lora_up.weight", "a.attn1.to_out.0"),
        ("lora_unet_middle_block_1_attn1_to_k.lora_down.weight", "lora_unet_middle_block_1_attn1_to_k.lora_up.weight", "mid_block.attentions.0.attn1.to_k"),
        ("lora_unet_output_blocks_5_1_attn1_to_k.lora_down.weight", "lora_unet_output_blocks_5_1_attn1_to_k.lora_up.weight", "up_blocks.1.attentions.2.attn1.to_k"),
    ]) func everySpelling(_ down: String, _ up: String, _ module: String) throws {
        let found = try read([(down, [2, 3]), (up, [4, 2])]).module(for: module, layersPerBlock: 2)
        #expect(found?.rank == 2 && found?.inputs == 3 && found?.outputs == 4 && found?.alpha == nil && found?.scale == 1)
    }

    @Test func pointwiseConvolutionsAreMatrices() throws {
        let file = try read([("unet.x.proj_in.lora_A.weight", [2, 3, 1, 1]), ("unet.x.proj_in.lora_B.weight", [4, 2, 1, 1])])
        #expect(file.module(for: "x.proj_in", layersPerBlock: nil)?.inputs == 3)
    }

    @Test func alphaPatternsOfTheMetadata() throws {
        let tensors = ["a.to_q", "b.to_q"].flatMap { [("unet.\($0).lora_A.weight", [2, 3]), ("unet.\($0).lora_B.weight", [4, 2])] }
        let file = try read(tensors, metadata: ["lora_adapter_metadata": #"{"unet.lora_alpha": 8, "unet.alpha_pattern": {"b.to_q": 1.0}, "unet.use_rslora": false}"#])
        #expect(file.modules.map(\.alpha) == [8, 1])
        // What is no plain name is a regular expression, which has to fit whole: the first that fits counts.
        for (pattern, alphas) in [
            ("b\\\\.to_.", [8, 1]), ("^a.to_q", [1, 8]), ("[ab].to_q", [1, 1]), ("b.to_", [8, 8]), ("x*", [8, 8]), (".*to_q\": 2.0, \"a.to_q", [2, 2]),
        ] as [(String, [Float])] {
            let file = try read(tensors, metadata: ["lora_adapter_metadata": #"{"unet.lora_alpha": 8, "unet.alpha_pattern": {"\#(pattern)": \#(alphas.contains(2) ? 3 : 1).0}}"#])
            #expect(file.modules.map(\.alpha) == alphas, "\(pattern)")
        }
        // As `unet.save_lora_adapter` writes it: neither keys nor settings begin with `unet.`.
        let bare = ["a.to_q", "b.to_q"].flatMap { [("\($0).lora_A.weight", [2, 3]), ("\($0).lora_B.weight", [4, 2])] }
        #expect(try read(bare, metadata: ["lora_adapter_metadata": #"{"lora_alpha": 8, "alpha_pattern": {"b.to_q": 1.0}}"#]).modules.map(\.alpha) == [8, 1])
        #expect(sentence { _ = try read(bare, metadata: ["lora_adapter_metadata": #"{"use_rslora": true}"#]) }?.contains("use_rslora") == true)
        let fault = sentence { _ = try read(tensors, metadata: ["lora_adapter_metadata": #"{"unet.alpha_pattern": {"(b": 1.0}}"#]) }
        #expect(fault?.contains("alpha_pattern \"(b\" is not a regular expression") == true, "\(fault ?? "accepted")")
    }

    /// Of strangers, like the rest of the file: none may take for ever, and what is not followed is named.
    @Test func alphaPatternsThatHang() throws {
        let long = String(repeating: "a", count: 3000), names = ["\(long).to_q", "b.to_q"]
        let tensors = names.flatMap { [("unet.\($0).lora_A.weight", [2, 3]), ("unet.\($0).lora_B.weight", [4, 2])] }
        func metadata(_ pattern: String) -> [String: String] {
            ["lora_adapter_metadata": #"{"unet.lora_alpha": 8, "unet.alpha_pattern": {"\#(pattern)": 1.0}}"#]
        }
        for (pattern, alphas) in [
            ("(([a-z_.0-9])*)*X", [8, 8]), ("(a|a)*(a|a)*.*.*.*.*X", [8, 8]), ("((a*)*)*\\\\.to_q", [1, 8]), ("((b?)+)+\\\\.to_[a-q]$", [8, 1]),
            ("^b", [8, 8]), ("([^b]|bb)\\\\.to_q", [8, 8]), ("(?:to_k|to_q)", [1, 1]), ("\\\\w+\\\\.to_\\\\d+", [8, 8]), ("a*?b\\\\.to_q", [8, 1]),
        ] as [(String, [Float])] {
            #expect(try read(tensors, metadata: metadata(pattern)).modules.map(\.alpha) == alphas, "\(pattern)")
        }
        for pattern in ["a{2}", "(?=a)", "(a)\\\\1", "[a", "[]", "*a", "a)", "[z-a]", "a\\\\"] {
            let fault = sentence { _ = try read(tensors, metadata: metadata(pattern)) }
            #expect(fault?.contains("is not a regular expression") == true, "\(pattern): \(fault ?? "accepted")")
        }
        #expect(sentence { _ = try read(tensors, metadata: metadata(String(repeating: "a", count: 4001))) }?.contains("longer than 4000 bytes") == true)
        let many = (0..<7).map { "\(String(repeating: "a", count: 3000))*\($0)\": 1.0, \"" }.joined() + "a*"
        #expect(sentence { _ = try read(tensors, metadata: metadata(many)) }?.contains("has 8 entries with 21016 bytes of regular expressions") == true)
        #expect(sentence { _ = try read(tensors, metadata: metadata(String(repeating: "(", count: 1000) + "a" + String(repeating: ")", count: 1000))) }?.contains("is not a regular expression") == true)
    }

    @Test func alphaOfPEFTsOwnFolder() throws {
        func tensors(_ prefix: String) -> [(String, [Int])] {
            ["a.to_q", "b.to_q"].flatMap { [("\(prefix)\($0).lora_A.weight", [2, 3]), ("\(prefix)\($0).lora_B.weight", [4, 2])] }
        }
        func configuration(_ text: String) throws { try Data(text.utf8).write(to: URL(fileURLWithPath: directory.file("adapter_config.json"))) }
        #expect(try read(tensors("base_model.model.")).modules.map(\.alpha) == [nil, nil])
        try configuration(#"{"peft_type": "LORA", "r": 2, "lora_alpha": 6, "alpha_pattern": {"b.to_q": 3}, "use_rslora": false}"#)
        #expect(try read(tensors("base_model.model.")).modules.map(\.alpha) == [6, 3])
        // Of another format's file beside it, it says nothing.
        #expect(try read(tensors("unet.")).modules.map(\.alpha) == [nil, nil])
        for (text, says) in [(#"{"use_dora": true}"#, "use_dora"), ("{", "cannot be read")] {
            try configuration(text)
            let fault = sentence { _ = try read(tensors("base_model.model.")) }
            #expect(fault?.contains("adapter_config.json") == true && fault?.contains(says) == true, "\(fault ?? "accepted")")
        }
    }

    /// As NumPy saves a number.
    @Test func alphaMayBeADouble() throws {
        let header = #"{"a.alpha":{"dtype":"F64","shape":[],"data_offsets":[0,8]},"a.lora_A.weight":{"dtype":"F32","shape":[1,1],"data_offsets":[8,12]},"a.lora_B.weight":{"dtype":"F32","shape":[1,1],"data_offsets":[12,16]}}"#
        var bytes = try safetensors(header, data: 16)
        bytes.replaceSubrange(bytes.count - 16..<bytes.count - 8, with: withUnsafeBytes(of: (6.5).bitPattern.littleEndian) { Data($0) })
        try bytes.write(to: URL(fileURLWithPath: directory.file("alpha64.safetensors")))
        #expect(try LoRAFile.read(directory.file("alpha64.safetensors")).modules.map(\.alpha) == [6.5])
    }

    @Test func doublesAreNamedAsWhatTheyAre() throws {
        let header = #"{"a.alpha":{"dtype":"F64","shape":[],"data_offsets":[0,8]},"a.lora_A.weight":{"dtype":"F64","shape":[1,1],"data_offsets":[8,16]},"a.lora_B.weight":{"dtype":"F64","shape":[1,1],"data_offsets":[16,24]}}"#
        try safetensors(header, data: 24).write(to: URL(fileURLWithPath: directory.file("f64.safetensors")))
        let fault = sentence { _ = try LoRAFile.read(directory.file("f64.safetensors")) }
        #expect(fault?.contains("F64") == true && fault?.contains("whole numbers") == false, "\(fault ?? "accepted")")
    }

    @Test(arguments: [
        ([], [:], "no LoRA in it"),
        ([("unet.a.weight", [1])], [:], "not those of a plain LoRA (unet.a.weight)"),
        ([("a.hada_w1_a", [1])], [:], "LoHa"),
        ([("a.lora_A.weight", [2, 3])], [:], "a has no up (B) matrix"),
        ([("a.lora_B.weight", [2, 3])], [:], "a has no down (A) matrix"),
        ([("a.alpha", [])], [:], "a has no down (A) matrix"),
        ([("a.lora_A.weight", [2, 3]), ("a.lora_B.weight", [4, 3])], [:], "do not share a rank"),
        ([("a.lora_A.weight", [0, 3]), ("a.lora_B.weight", [4, 0])], [:], "do not share a rank"),
        ([("a.lora_A.weight", [2, 3, 3, 3]), ("a.lora_B.weight", [4, 2])], [:], "not that of a matrix"),
        ([("a.lora_A.weight", [2, 3]), ("unet.a.lora_A.weight", [2, 3]), ("a.lora_B.weight", [4, 2])], [:], "two tensors stand for the same part of a"),
        ([("a.lora_A.weight", [2, 3]), ("a.lora_B.weight", [4, 2]), ("a.alpha", [2])], [:], "not one finite number"),
        ([("a.lora_A.weight", [2, 3]), ("a.lora_B.weight", [4, 2])], ["lora_adapter_metadata": "{"], "lora_adapter_metadata cannot be read"),
        ([("a.lora_A.weight", [2, 3]), ("a.lora_B.weight", [4, 2])], ["lora_adapter_metadata": #"{"unet.use_rslora": true}"#], "use_rslora"),
    ] as [([(String, [Int])], [String: String], String)]) func refuses(_ tensors: [(String, [Int])], _ metadata: [String: String], _ says: String) throws {
        let message = try #require(sentence { _ = try read(tensors, metadata: metadata) })
        #expect(message.contains("lora.safetensors") && message.contains(says), "\(message)")
    }

    @Test func hashesOfAModel() throws {
        let a = directory.file("a"), b = directory.file("b")
        try Data("abc".utf8).write(to: URL(fileURLWithPath: a))
        func hash(_ paths: String...) throws -> ModelHash { try ModelHash(of: paths.map { try MappedFile($0) }) }
        #expect(try hash(a) == ModelHash(
            sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", short: "e3b0c442"), "FIPS 180-2's example; SHA-256 of nothing")
        // Shards count as one file.
        var bytes = Data(count: 0x10_8000)
        for i in bytes.indices { bytes[i] = UInt8(truncatingIfNeeded: i &* 31 >> 3) }
        try bytes.write(to: URL(fileURLWithPath: a))
        let whole = try hash(a), mapped = try MappedFile(a)
        try bytes[..<0x10_0100].write(to: URL(fileURLWithPath: a), options: .atomic)
        try bytes[0x10_0100...].write(to: URL(fileURLWithPath: b))
        #expect(try hash(a, b) == whole && whole.short != "e3b0c442")
        // Another model takes its place by name, and it is still the one that is used.
        #expect(try hash(a) != whole && ModelHash(of: [mapped]) == whole)
        #expect(throws: (any Error).self) { try hash(directory.file("absent")) }
    }
}
