import Foundation
import Tensors
import TestFolders
import Testing
@testable import Weights

@Suite struct AdapterSetTests {
    let directory: TemporaryFolder
    init() throws {
        _ = device
        directory = try TemporaryFolder()
    }

    static let block = "down_blocks.1.attentions.0.transformer_blocks.0."
    static let paths = [block + "attn1.to_q", block + "attn1.to_out.0", "mid_block.attentions.0.transformer_blocks.0.attn2.to_k"]

    func training(rank: Int = 2, alpha: Float? = nil, seed: UInt64 = 5, filled: Bool = true) -> AdapterSet {
        let set = AdapterSet(rank: rank, alpha: alpha ?? Float(rank), seed: seed)
        for (i, path) in Self.paths.enumerated() { _ = set.adapter(for: path, inputs: 3 + i, outputs: 4) }
        guard filled else { return set }
        for (i, parameter) in set.parameters.enumerated() {
            for j in 0..<parameter.parameter.value.count { parameter.parameter.value.floats[j] = Float(i) + Float(j) / 7 }
        }
        return set
    }

    func values(_ set: AdapterSet) -> [[Float]] { set.parameters.map { $0.parameter.value.values } }

    var information: LoRAInformation {
        LoRAInformation(
            title: "toys", triggerPhrases: ["olis toy", "hta corgi"], resolution: 512,
            baseModel: ModelHash(sha256: String(repeating: "ab", count: 32), short: "12345678"), baseModelName: "sdxl",
            date: Date(timeIntervalSince1970: 1_700_000_000), tagFrequency: ["toys": ["a \"photo\"": 3, "b": 1]], further: ["ss_seed": "42"])
    }

    @Test func adaptsOnlyTheAttentionProjections() {
        let set = AdapterSet(rank: 4, alpha: 2, seed: 1)
        #expect(set.adapter(for: Self.block + "ff.net.2", inputs: 3, outputs: 4) == nil)
        #expect(set.adapter(for: Self.block + "attn1.to_out.1", inputs: 3, outputs: 4) == nil)
        let adapter = set.adapter(for: Self.paths[0], inputs: 3, outputs: 5)
        #expect(adapter?.scale == 0.5 && adapter?.down.value.shape == [4, 3] && adapter?.up.value.shape == [5, 4])
        #expect(set.adapter(for: Self.paths[0], inputs: 3, outputs: 5)?.down === adapter?.down, "asking twice gives the same")
        #expect(set.parameters.map(\.name) == [Self.paths[0] + ".lora_A.weight", Self.paths[0] + ".lora_B.weight"])
    }

    @Test func startsAsPEFTsGaussian() {
        let set = AdapterSet(rank: 8, alpha: 8, seed: 3), again = AdapterSet(rank: 8, alpha: 8, seed: 3), other = AdapterSet(rank: 8, alpha: 8, seed: 4)
        for s in [set, again, other] { for i in 0..<4 { _ = s.adapter(for: "b\(i).attn1.to_v", inputs: 1_000, outputs: 6) } }
        #expect(values(set) == values(again) && values(set) != values(other))
        let down = set.entries.flatMap { $0.adapter.down.value.values }
        let deviation = (down.reduce(0) { $0 + Double($1) * Double($1) } / Double(down.count)).squareRoot()
        #expect(abs(deviation - 1.0 / 8) < 0.125 * 0.02, "\(deviation)")
        #expect(set.entries[0].adapter.down.value.values != set.entries[1].adapter.down.value.values)
        #expect(set.entries.allSatisfy { $0.adapter.up.value.values.allSatisfy { $0 == 0 } })
    }

    @Test func whatWasOverwrittenComesBack() throws {
        let set = training(), before = values(set)
        try training(filled: false).writeDiffusers(to: directory.file("other.safetensors"))
        try set.restoring {
            try set.load(LoRAFile.read(directory.file("other.safetensors")), layersPerBlock: nil)
            #expect(values(set) != before)
        }
        #expect(values(set) == before)
        struct Stop: Error {}
        #expect(throws: Stop.self) {
            try set.restoring {
                set.parameters[0].parameter.value.floats[0] += 1
                throw Stop()
            }
        }
        #expect(values(set) == before)
    }

    @Test(arguments: [nil, 1, 2] as [Int?]) func bothFormatsComeBackBitForBit(layersPerBlock: Int?) throws {
        let set = training()
        try set.writeDiffusers(to: directory.file("d.safetensors"))
        try set.writeKohya(to: directory.file("k.safetensors"), information, layersPerBlock: layersPerBlock)
        for name in ["d.safetensors", "k.safetensors"] {
            let back = training(seed: 9, filled: false)
            try back.load(LoRAFile.read(directory.file(name)), layersPerBlock: layersPerBlock)
            #expect(values(back) == values(set), "\(name)")
        }
        let keys = try SafetensorsFile(directory.file("d.safetensors")).entries.map(\.name)
        #expect(keys.contains("unet.\(Self.paths[0]).lora_A.weight") && keys.count == 6)
        let kohya = try SafetensorsFile(directory.file("k.safetensors"))
        #expect(kohya.entries.count == 9)
        #expect(kohya.entries.allSatisfy { $0.name.contains(layersPerBlock == nil ? "_attentions_0_" : "_block") })
        #expect(try kohya.entries.filter { $0.name.hasSuffix(".alpha") }.allSatisfy { try $0.shape == [] && kohya.floats($0.name) == [2] })
    }

    @Test func metadataOfAKohyaFile() throws {
        let set = training(), path = directory.file("k.safetensors")
        try set.writeKohya(to: path, information, layersPerBlock: 2)
        let file = try SafetensorsFile(path), meta = file.metadata
        #expect(meta["modelspec.trigger_phrase"] == "olis toy, hta corgi" && meta["modelspec.resolution"] == "512x512")
        #expect(meta["modelspec.date"] == "2023-11-14T22:13:20Z" && meta["ss_network_dim"] == "2" && meta["ss_network_alpha"] == "2")
        #expect(meta["ss_new_sd_model_hash"]?.count == 64 && meta["ss_sd_model_hash"] == "12345678" && meta["ss_seed"] == "42")
        let tags = try JSONDecoder().decode([String: [String: Int]].self, from: Data(#require(meta["ss_tag_frequency"]).utf8))
        #expect(tags == ["toys": ["a \"photo\"": 3, "b": 1]])
        // The hash is of everything behind the header.
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        let dataStart = 8 + Int(bytes[0]) + Int(bytes[1]) << 8 + Int(bytes[2]) << 16
        let data = directory.file("data")
        try bytes[dataStart...].write(to: URL(fileURLWithPath: data))
        #expect(try meta["modelspec.hash_sha256"] == "0x" + ModelHash(of: [MappedFile(data)]).sha256)
        // The same adapters and information give the same bytes.
        try set.writeKohya(to: directory.file("again"), information, layersPerBlock: 2)
        #expect(try Data(contentsOf: URL(fileURLWithPath: directory.file("again"))) == bytes)
    }

    @Test func alphaIsHonoured() throws {
        let set = training(alpha: 6)
        try set.writeDiffusers(to: directory.file("d"))
        try set.writeKohya(to: directory.file("k"), information, layersPerBlock: 2)
        for name in ["d", "k"] {
            let file = try LoRAFile.read(directory.file(name))
            #expect(file.modules.allSatisfy { $0.alpha == 6 && $0.scale == 3 })
            // Into a set of scale 1 the same map comes as a three times larger up matrix.
            let back = training(filled: false)
            try back.load(file, layersPerBlock: 2)
            #expect(back.entries[0].adapter.up.value.values == set.entries[0].adapter.up.value.values.map { $0 * 3 })
        }
    }

    @Test func filesStackForRendering() throws {
        let first = training(alpha: 4), second = training(rank: 3, seed: 8)
        try first.writeDiffusers(to: directory.file("1"))
        try second.writeKohya(to: directory.file("2"), information, layersPerBlock: 2)
        let set = try AdapterSet(stacking: [(.read(directory.file("1")), 0.5), (.read(directory.file("2")), -2)], layersPerBlock: 2)
        for (i, path) in Self.paths.enumerated() {
            let inputs = 3 + i
            let adapter = try #require(set.adapter(for: path, inputs: inputs, outputs: 4))
            #expect(adapter.scale == 1)
            func product(_ a: LowRank, _ row: Int, _ column: Int) -> Float {
                let rank = a.down.value.shape[0]
                return (0..<rank).reduce(0) { $0 + a.up.value.values[row * rank + $1] * a.down.value.values[$1 * inputs + column] }
            }
            for row in 0..<4 {
                for column in 0..<inputs {
                    let sum = 0.5 * 2 * product(first.entries[i].adapter, row, column) - 2 * product(second.entries[i].adapter, row, column)
                    #expect(abs(product(adapter, row, column) - sum) < 1e-4 * max(1, abs(sum)))
                }
            }
        }
        #expect(set.adapter(for: "mid_block.attentions.0.to_q", inputs: 1, outputs: 1) == nil)
        try set.finish()
    }

    @Test func allMismatchesComeAtOnce() throws {
        try training().writeDiffusers(to: directory.file("d"))
        let file = try LoRAFile.read(directory.file("d"))
        let other = AdapterSet(rank: 2, alpha: 2, seed: 1)
        _ = other.adapter(for: Self.paths[0], inputs: 9, outputs: 4)
        _ = other.adapter(for: "x.attn1.to_q", inputs: 3, outputs: 4)
        let before = values(other)
        let faults = #expect(throws: AdapterFaults.self) { try other.load(file, layersPerBlock: 2) }
        #expect(faults?.missing == ["x.attn1.to_q"] && faults?.unknown.sorted() == Self.paths[1...].sorted() && faults?.misshapen.count == 1)
        #expect(values(other) == before, "nothing changed")
        let render = AdapterSet(stacking: [(file, 1)], layersPerBlock: 2)
        #expect(render.adapter(for: Self.paths[0], inputs: 9, outputs: 4) == nil)
        let message = try #require(sentence { try render.finish() })
        #expect(message.contains(directory.file("d")) && message.contains(Self.paths[1]) && message.contains("[2, 9] and [4, 2] expected, [2, 3] and [4, 2] found"))
    }
}
