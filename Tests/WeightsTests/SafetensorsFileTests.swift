import Foundation
import Tensors
import TestFolders
import Testing
@testable import Weights

@Suite struct SafetensorsFileTests {
    init() { _ = device }

    @Test func readsWhatTheReferenceWrote() throws {
        let file = try SafetensorsFile(golden("reference.safetensors"))
        #expect(file.metadata == ["note": "café 雪 \"quoted\" \\ \n\t\u{1} 😀"])
        #expect(file.entries.count == 12)
        let json = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: golden("reference.json"))))
        let expected = try #require(json as? [String: [NSNumber]])
        for (name, values) in expected {
            let entry = try #require(file[name])
            if entry.type.elementType != nil {
                let bits = values.map { UInt32(truncating: $0) }
                // Bit for bit, but for the payload of a NaN, which PyTorch does not keep.
                func same(_ values: [Float]) -> Bool {
                    values.count == bits.count && zip(values, bits).allSatisfy { $0.bitPattern == $1 || $0.isNaN && Float(bitPattern: $1).isNaN }
                }
                #expect(try same(file.floats(name)), "\(name)")
                #expect(try same(file.tensor(name).widened().values), "\(name)")
                #expect(try file.tensor(name).shape == entry.shape)
            } else {
                #expect(try file.integers(name) == values.map(\.intValue), "\(name)")
            }
        }
        #expect(file["scalar"]?.shape == [] && file["empty"]?.shape == [0, 4] && file["double"]?.type == .float64)
        #expect(throws: SafetensorsError.self) { try file.tensor("ids") }
        #expect(throws: SafetensorsError.self) { try file.tensor("absent") }
        #expect(throws: SafetensorsError.self) { try file.integers("weight") }
    }

    @Test func halvesWidenExactly() throws {
        // All 65 536 bit patterns, against the processor's own conversion; NaNs by being NaN with their payload's bits.
        for bits in UInt16.min...UInt16.max {
            let wide = SafetensorsFile.widened(half: bits), own = Float(Float16(bitPattern: bits))
            if own.isNaN {
                #expect(wide.isNaN && wide.bitPattern >> 13 & 0x1ff == UInt32(bits & 0x1ff))
            } else {
                #expect(wide.bitPattern == own.bitPattern)
            }
        }
    }

    @Test func unalignedDataIsCopied() throws {
        let directory = try TemporaryFolder()
        let header = #"{"pad":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"x":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}}"#
        var data = safetensors(header)
        data.append(7)
        data.append([Float(1.5), -2].withUnsafeBytes { Data($0) })
        try data.write(to: URL(fileURLWithPath: directory.file("a.safetensors")))
        let file = try SafetensorsFile(directory.file("a.safetensors"))
        #expect(try file.tensor("x").values == [1.5, -2])
        #expect(try file.floats("x") == [1.5, -2])
    }

    @Test func alignedDataIsMappedAndOutlivesTheFileObject() throws {
        var file: SafetensorsFile? = try SafetensorsFile(golden("reference.safetensors"))
        let expected = try file!.floats("weight")
        let tensor = try file!.tensor("weight")
        let inside = file!.withBytes(of: file!["weight"]!) { $0.baseAddress }
        #expect(UnsafeRawPointer(tensor.storage.pointer) == inside)
        file = nil
        #expect(tensor.values == expected)
    }

    /// Header, bytes of data behind it, and what the message must say.
    static let malformed: [(header: String, data: Int, says: String)] = [
        ("", 0, "does not begin with {"),
        ("[]", 0, "does not begin with {"),
        (" {}", 0, "does not begin with {"),
        ("{", 0, "a key in double quotes"),
        (#"{"a":"#, 0, "ends where a value should come"),
        ("{}x", 0, "nothing may follow"),
        ("{}", 4, "cover 0 bytes of data, the file holds 4"),
        (#"{"a":1}"#, 0, "not an object"),
        (#"{"a":{}}"#, 0, "no dtype"),
        (#"{"a":{"dtype":1,"shape":[],"data_offsets":[0,4]}}"#, 4, "no dtype"),
        (#"{"a":{"dtype":"F31","shape":[],"data_offsets":[0,4]}}"#, 4, "\"F31\" is unknown"),
        (#"{"a":{"dtype":"F32","data_offsets":[0,4]}}"#, 4, "no shape"),
        (#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4, "whole numbers"),
        (#"{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}"#, 4, "whole numbers"),
        (#"{"a":{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}}"#, 4, "whole numbers"),
        (#"{"a":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}}"#, 4, "whole numbers"),
        (#"{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}"#, 4, "whole numbers"),
        (#"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}"#, 4, "too large"),
        (#"{"a":{"dtype":"F32","shape":[9223372036854775807,0],"data_offsets":[0,0]}}"#, 0, "too large"),
        (#"{"a":{"dtype":"F32","shape":[1]}}"#, 4, "data_offsets"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}"#, 4, "data_offsets"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}"#, 4, "data_offsets"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}"#, 4, "data_offsets"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, 4, "end before they begin"),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, 4, "takes 8 bytes, its data_offsets hold 4"),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 4, "it is cut off"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[9223372036854775800,9223372036854775804]}}"#, 4, "it is cut off"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8, "there is a hole"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 8, "cover 4 bytes of data, the file holds 8"),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8, "overlaps"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 4, "overlaps"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 4, "comes twice"),
        (#"{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 4, "comes twice"),
        (#"{"__metadata__":[]}"#, 0, "not an object of texts"),
        (#"{"__metadata__":{"k":1}}"#, 0, "not a text"),
        (#"{"__metadata__":{"k":"\ud800"}}"#, 0, "half of a \\u pair"),
        (#"{"__metadata__":{"k":"\ud800\u0041"}}"#, 0, "half of a \\u pair"),
        (#"{"__metadata__":{"k":"\x"}}"#, 0, "escape"),
        (#"{"__metadata__":{"k":"\u00g0"}}"#, 0, "hexadecimal"),
        ("{\"__metadata__\":{\"k\":\"\n\"}}", 0, "control character"),
        (#"{"__metadata__":{"k":"v",}}"#, 0, "a comma before `}`"),
        (#"{"__metadata__":{"k":NaN}}"#, 0, "a value should come here"),
        (#"{"a":"# + String(repeating: "[", count: 100_000), 0, "nested more than 64 deep"),
        (#"{"a":{"dtype":"F32","shape":[01],"data_offsets":[0,4]}}"#, 4, "no leading zero"),
    ]

    @Test(arguments: 0..<malformed.count) func refusesMalformedHeaders(_ i: Int) throws {
        let (header, data, says) = Self.malformed[i]
        let directory = try TemporaryFolder()
        let path = directory.file("bad.safetensors")
        try safetensors(header, data: data).write(to: URL(fileURLWithPath: path))
        let message = try #require(sentence { _ = try SafetensorsFile(path) }, "accepted: \(header.prefix(80))")
        #expect(message.hasPrefix(path) && message.contains(says), "\(message)")
    }

    @Test func refusesMalformedFiles() throws {
        let directory = try TemporaryFolder()
        let cases: [(Data, String)] = [
            (Data(), "0 bytes and no header"),
            (Data([1, 2, 3]), "3 bytes and no header"),
            (safetensors("{}", claiming: 3), "only 2 follow"),
            (safetensors("{}", claiming: 100_000_001), "at most 100000000"),
            (safetensors("{}", claiming: .max), "at most 100000000"),
            (safetensors("{}", claiming: 1 << 63), "at most 100000000"),
            (safetensors("{}", claiming: 0), "does not begin with {"),
            (safetensors("", claiming: 5) + Data([0x7b, 0x22, 0xff, 0x22, 0x7d]), "not valid UTF-8"),
            (Data("version https://git-lfs.github.com/spec/v1\noid sha256:00\n".utf8), "git lfs pull"),
        ]
        for (data, says) in cases {
            let path = directory.file("bad.safetensors")
            try data.write(to: URL(fileURLWithPath: path))
            let message = try #require(sentence { _ = try SafetensorsFile(path) })
            #expect(message.hasPrefix(path) && message.contains(says), "\(message)")
        }
        let absent = try #require(sentence { _ = try SafetensorsFile(directory.file("absent")) })
        #expect(absent.contains("absent") && absent.contains("No such file"))
        #expect(try #require(sentence { _ = try SafetensorsFile(directory.path) }).contains("regular file"))
        // Blank space behind the object is how writers pad.
        let path = directory.file("padded.safetensors")
        try safetensors("{}   \n").write(to: URL(fileURLWithPath: path))
        #expect(try SafetensorsFile(path).entries.isEmpty)
    }

    /// A pipe in the place of a file is not waited for, and a name of many bytes or with line ends makes no long or second line.
    @Test(.timeLimit(.minutes(1))) func strangeFilesAndNames() throws {
        let directory = try TemporaryFolder()
        let pipe = directory.file("pipe.safetensors")
        mkfifo(pipe, 0o600)
        #expect(try #require(sentence { _ = try SafetensorsFile(pipe) }).contains("regular file"))
        let path = directory.file("names.safetensors")
        let name = "a\\n" + String(repeating: "x", count: 2_000_000)
        try safetensors("{\"\(name)\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0, 5]}}", data: 5).write(to: URL(fileURLWithPath: path))
        let message = try #require(sentence { _ = try SafetensorsFile(path) })
        #expect(message.count < 1000 && !message.contains("\n") && message.contains("takes 4 bytes"), "\(message.prefix(2000))")
    }

    /// Flipped bits and cut tails either give an error or a file all of whose tensors can be read.
    @Test func survivesRandomDamage() throws {
        let directory = try TemporaryFolder()
        let path = directory.file("damaged.safetensors")
        let original = try Data(contentsOf: URL(fileURLWithPath: golden("reference.safetensors")))
        let headerEnd = 8 + Int(original[0]) + Int(original[1]) << 8
        var random = RandomStream(seed: 7, purpose: .drawing)
        var refused = 0
        for round in 0..<2_000 {
            var data = original
            for _ in 0..<random.integer(in: 1...4) { data[random.integer(in: 0...headerEnd - 1)] ^= 1 << UInt8(random.integer(in: 0...7)) }
            if round % 5 == 0 { data.removeLast(random.integer(in: 1...data.count)) }
            // A new file each time: some file systems flush one that is truncated and written again.
            unlink(path)
            try data.write(to: URL(fileURLWithPath: path))
            do {
                let file = try SafetensorsFile(path)
                for entry in file.entries {
                    if entry.type.elementType != nil {
                        #expect(try file.floats(entry.name).count == entry.count)
                        #expect(try file.tensor(entry.name).widened().values.count == entry.count)
                    }
                    _ = file.withBytes(of: entry) { $0.reduce(0) { $0 &+ Int($1) } }
                }
            } catch {
                #expect("\(error)".contains(path))
                refused += 1
            }
        }
        #expect(refused > 1_000, "damage of the header is mostly noticed: \(refused)")
    }
}
