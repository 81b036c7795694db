import Foundation
import Tensors
import TestFolders
import Testing
@testable import Weights

@Suite struct SafetensorsWriterTests {
    init() { _ = device }

    @Test func writesTheReferencesBytes() throws {
        let directory = try TemporaryFolder()
        let reference = try SafetensorsFile(golden("reference.safetensors"))
        var writer = SafetensorsWriter(metadata: reference.metadata)
        for entry in reference.entries.shuffled() {
            writer.add(entry.name, entry.type, shape: entry.shape) { sink in
                // In two pieces.
                try reference.withBytes(of: entry) { bytes in
                    try sink(UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count / 2)]))
                    try sink(UnsafeRawBufferPointer(rebasing: bytes[(bytes.count / 2)...]))
                }
            }
        }
        try writer.write(to: directory.file("copy.safetensors"))
        let original = try Data(contentsOf: URL(fileURLWithPath: reference.path))
        #expect(try Data(contentsOf: URL(fileURLWithPath: directory.file("copy.safetensors"))) == original)
    }

    @Test func valuesComeBack() throws {
        let directory = try TemporaryFolder()
        var writer = SafetensorsWriter(metadata: ["prompts": "[\"a\\u0000\"]", "é": "\u{0}\u{1f}\u{7f}"])
        let values: [Float] = [0, -0.0, .infinity, 1e-45, .nan, 3]
        writer.add("x", shape: [2, 3], values)
        writer.add("t", shape: [2], integers: [-1, 1 << 40])
        writer.add("tensor", Tensor([1, 2], shape: [2]))
        writer.add("none", shape: [0], [])
        try writer.write(to: directory.file("a"))
        let file = try SafetensorsFile(directory.file("a"))
        #expect(file.metadata == writer.metadata)
        #expect(try file.floats("x").map(\.bitPattern) == values.map(\.bitPattern))
        #expect(try file.integers("t") == [-1, 1 << 40])
        #expect(try file.floats("tensor") == [1, 2])
        #expect(try file.floats("none") == [])
        #expect(file["x"]?.shape == [2, 3])
    }

    @Test func aFailingTensorLeavesNothing() throws {
        struct Stop: Error {}
        let directory = try TemporaryFolder()
        var writer = SafetensorsWriter()
        writer.add("x", shape: [1], [1])
        writer.add("y", .float32, shape: [1]) { _ in throw Stop() }
        #expect(throws: Stop.self) { try writer.write(to: directory.file("a")) }
        #expect(directory.names() == [])
    }
}
