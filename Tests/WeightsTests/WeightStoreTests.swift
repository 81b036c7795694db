import Foundation
import Tensors
import TestFolders
import Testing
@testable import Weights

@Suite struct WeightStoreTests {
    let directory: TemporaryFolder
    init() throws {
        _ = device
        directory = try TemporaryFolder()
    }

    func write(_ name: String, _ tensors: [(String, [Int])], value: Float = 1) throws {
        var writer = SafetensorsWriter()
        for (key, shape) in tensors { writer.add(key, shape: shape, [Float](repeating: value, count: shape.reduce(1, *))) }
        try writer.write(to: directory.file(name))
    }

    func index(_ map: [String: String], name: String = "model.safetensors.index.json") throws {
        let json = try JSONSerialization.data(withJSONObject: ["metadata": ["total_size": 4.0], "weight_map": map])
        try json.write(to: URL(fileURLWithPath: directory.file(name)))
    }

    func open(_ aliases: [KeyAlias] = [], ignoring: Set<String> = [], variant: WeightVariant = .full) throws -> WeightStore {
        try WeightStore(directory: directory.path, baseName: "model", variant: variant, aliases: aliases, ignoring: ignoring)
    }

    @Test func thePathIsTheKey() throws {
        try write("model.safetensors", [("down_blocks.0.resnets.1.conv.weight", [2, 3]), ("down_blocks.0.resnets.1.conv.bias", [2]), ("top", [1])])
        let store = try open()
        let scope = store.root["down_blocks"][0]["resnets.1"]["conv"]
        #expect(scope.path == "down_blocks.0.resnets.1.conv" && scope.adapters == nil)
        #expect(scope.has("weight") && !scope.has("scale") && scope.shape(of: "weight") == [2, 3])
        #expect(scope.tensor("weight", shape: [2, 3]).values == [Float](repeating: 1, count: 6))
        #expect(scope.vector("bias", count: 2).values == [1, 1])
        #expect(store.root.vector("top", count: 1).values == [1])
        try store.finish()
    }

    /// What a folder looks like after a link was copied, or only the large files.
    @Test func whatIsMissingIsNamed() throws {
        try write("model-00001-of-00002.safetensors", [("a", [1])])
        let shards = sentence { _ = try open() }
        #expect(shards?.contains("no model.safetensors.index.json, which says what is in which") == true, "\(shards ?? "accepted")")
        try FileManager.default.createSymbolicLink(atPath: directory.file("model.safetensors"), withDestinationPath: "../../blobs/3f2a")
        let link = sentence { _ = try open() }
        #expect(link?.contains("model.safetensors is a link to a file that is not there. Copy the files themselves") == true, "\(link ?? "accepted")")
    }

    @Test func allFaultsComeAtOnce() throws {
        try write("model.safetensors", [("shape", [2, 3]), ("fine", [1]), ("left", [1]), ("over", [1])])
        var writer = SafetensorsWriter()
        writer.add("ids", shape: [2], integers: [1, 2])
        for (key, shape) in [("shape", [2, 3]), ("fine", [1]), ("left", [1]), ("over", [1])] {
            writer.add(key, shape: shape, [Float](repeating: 1, count: shape.reduce(1, *)))
        }
        try writer.write(to: directory.file("model.safetensors"))
        let store = try open()
        #expect(store.root.tensor("shape", shape: [3, 2]).values == [Float](repeating: 0, count: 6))
        #expect(store.root.tensor("absent", shape: [1 << 20, 1 << 10]).shape == [1 << 20, 1 << 10])
        #expect(store.root.tensor("ids", shape: [2]).values == [0, 0])
        _ = store.root.tensor("fine", shape: [1])
        let file = directory.file("model.safetensors")
        do {
            try store.finish()
            Issue.record("faults were not reported")
        } catch let faults as WeightFaults {
            #expect(faults.missing == [.init(key: "absent", shape: [1 << 20, 1 << 10])])
            #expect(faults.misshapen == [.init(key: "shape", expected: [3, 2], found: [2, 3], file: file)])
            #expect(faults.wrongType == [.init(key: "ids", found: "I64", file: file)])
            #expect(faults.unused.map(\.key) == ["left", "over"])
            let text = faults.description
            for part in [directory.path, "1 tensor is missing (absent", "shape: [3, 2] expected, [2, 3] in", "ids: I64", "2 are not part of the model (left"] {
                #expect(text.contains(part), "\(text)")
            }
        }
    }

    @Test func longListsAreCutInTheMessageOnly() throws {
        try write("model.safetensors", (0..<25).map { ("k\($0)", [1]) })
        let faults = #expect(throws: WeightFaults.self) { try open().finish() }
        #expect(faults?.unused.count == 25)
        #expect(faults?.description.contains("and 15 more") == true)
    }

    @Test func shardsThroughTheIndex() throws {
        try write("model-1.safetensors", [("a", [1])], value: 1)
        try write("model-2.safetensors", [("b", [1]), ("c", [1])], value: 2)
        try index(["a": "model-1.safetensors", "b": "model-2.safetensors", "c": "model-2.safetensors"])
        let store = try open()
        #expect(store.files.count == 2)
        #expect(["a", "b", "c"].map { store.root.vector($0, count: 1).values } == [[1], [2], [2]])
        try store.finish()
        // A single file goes before the shards.
        try write("model.safetensors", [("z", [1])])
        #expect(try open().root.has("z"))
    }

    @Test(arguments: [
        (["a": "model-2.safetensors", "b": "model-1.safetensors"], "do not belong together"),
        (["a": "model-1.safetensors"], "1 tensors of the shards are not in the index (x (model-1.safetensors))"),
        (["a": "model-1.safetensors", "x": "model-1.safetensors", "q": "model-2.safetensors", "b": "model-2.safetensors"], "1 of its keys are not in the shard"),
        (["a": "../model-1.safetensors"], "not to a file of the same folder"),
        (["a": "/etc/passwd"], "not to a file of the same folder"),
        (["a": ".."], "not to a file of the same folder"),
        (["a": "absent.safetensors"], "No such file"),
        ([:], "no weight_map"),
    ]) func indexFaults(_ map: [String: String], _ says: String) throws {
        try write("model-1.safetensors", [("a", [1]), ("x", [1])])
        try write("model-2.safetensors", [("b", [1])])
        try index(map)
        let message = try #require(sentence { _ = try open() })
        #expect(message.contains(says), "\(message)")
    }

    @Test func fp16OnlyWhereAskedForOrAlone() throws {
        try write("model.fp16.safetensors", [("half", [1])])
        #expect(try open().root.has("half"))
        try write("model.safetensors", [("full", [1])])
        #expect(try open().root.has("full"))
        #expect(try open(variant: .fp16).root.has("half"))
        try FileManager.default.removeItem(atPath: directory.file("model.fp16.safetensors"))
        #expect(try open(variant: .fp16).root.has("full"))
    }

    @Test func shardedFP16() throws {
        try write("model-1.fp16.safetensors", [("a", [1])])
        try index(["a": "model-1.fp16.safetensors"], name: "model.safetensors.index.fp16.json")
        #expect(try open().root.has("a"))
    }

    @Test func picklesAndStrangersAreNamed() throws {
        #expect(try #require(sentence { _ = try open() }).contains("there is no model.safetensors"))
        try write("other.safetensors", [("a", [1])])
        #expect(try #require(sentence { _ = try open() }).contains("other.safetensors but no model.safetensors"))
        try Data().write(to: URL(fileURLWithPath: directory.file("model.bin")))
        #expect(try #require(sentence { _ = try open() }).contains("safe_serialization=True"))
        let nowhere = directory.file("nowhere")
        #expect(try #require(sentence { _ = try WeightStore(directory: nowhere, baseName: "model") }).contains("\(nowhere): there is no such folder"))
    }

    @Test func clipNamesWithAndWithoutThePrefix() throws {
        for prefix in ["", "text_model."] {
            try write("model.safetensors", [
                (prefix + "embeddings.position_ids", [1, 4]), (prefix + "final_layer_norm.weight", [2]), ("text_projection.weight", [2, 2]),
            ])
            for asked in ["final_layer_norm", "text_model.final_layer_norm"] {
                let store = try open([.clipPrefix], ignoring: WeightStore.clipBuffers)
                #expect(store.root[asked].vector("weight", count: 2).values == [1, 1])
                _ = store.root.tensor("text_projection.weight", shape: [2, 2])
                try store.finish()
            }
        }
    }

    @Test func oldAttentionNames() throws {
        try write("model.safetensors", ["query", "key", "value", "proj_attn"].map { ("mid.attentions.0.\($0).weight", [2, 2]) })
        let store = try open([.oldAttention])
        for name in ["to_q", "to_k", "to_v", "to_out.0"] { _ = store.root["mid.attentions.0"][name].tensor("weight", shape: [2, 2]) }
        try store.finish()
    }

    @Test func sharedThingsAreMadeOnce() throws {
        try write("model.safetensors", [("a.weight", [4])])
        let store = try open()
        let first = store.root["a"].vector("weight", count: 4), second = store.root["a"].vector("weight", count: 4)
        #expect(first.storage === second.storage)
        var made = 0
        for _ in 0..<3 {
            #expect(store.root["a"].cached("packed") { () -> Int in made += 1; return 5 } == 5)
            #expect(store.root["b"].cached("packed") { 6 } == 6, "another place, another thing")
        }
        #expect(made == 1)
    }
}
