import Files
import Foundation
import Tensors

/// Collects tensors and writes them as one safetensors file, atomically. The bytes of a tensor are asked for only while
/// they are written, so a file of any size needs the memory of its largest piece.
///
/// Names and bytes are laid out as the reference implementation does: by type from the widest alignment down, then by
/// name; the header is padded with spaces to a multiple of 8. The same tensors give the same bytes.
public struct SafetensorsWriter {
    private struct Item {
        let name: String
        let type: SafetensorsType
        let shape: [Int]
        let byteCount: Int
        let write: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
    }

    private var items: [Item] = []
    private var names: Set<String> = []
    /// Strings for the header's `__metadata__`; left out where empty.
    public var metadata: [String: String]

    public init(metadata: [String: String] = [:]) { self.metadata = metadata }

    /// Adds a tensor whose bytes `write` hands, in pieces, to the function it is given: together exactly the
    /// tensor's size. It may be called more than once (hashing, then writing).
    public mutating func add(
        _ name: String, _ type: SafetensorsType, shape: [Int],
        write: @escaping ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) {
        precondition(name != "__metadata__" && names.insert(name).inserted, "SafetensorsWriter: \"\(name)\" is taken")
        precondition(shape.allSatisfy { $0 >= 0 }, "SafetensorsWriter: \(name) \(shape)")
        items.append(Item(name: name, type: type, shape: shape, byteCount: shape.reduce(type.byteCount, *), write: write))
    }

    /// Adds float32 values.
    public mutating func add(_ name: String, shape: [Int], _ values: [Float]) {
        precondition(values.count == shape.reduce(1, *), "SafetensorsWriter: \(values.count) values for \(name) \(shape)")
        add(name, .float32, shape: shape) { sink in try values.withUnsafeBytes { try sink($0) } }
    }

    /// Adds int64 values.
    public mutating func add(_ name: String, shape: [Int], integers: [Int]) {
        precondition(integers.count == shape.reduce(1, *), "SafetensorsWriter: \(integers.count) values for \(name) \(shape)")
        add(name, .int64, shape: shape) { sink in try integers.map(Int64.init).withUnsafeBytes { try sink($0) } }
    }

    /// Adds a tensor in its own type, keeping it (not a copy) until the file is written.
    public mutating func add(_ name: String, _ tensor: Tensor) {
        let tensor = tensor.detached
        add(name, SafetensorsType(tensor.type), shape: tensor.shape) { sink in
            try sink(UnsafeRawBufferPointer(start: tensor.storage.pointer, count: tensor.count * tensor.type.byteCount))
        }
    }

    /// Hands the data section to `sink`, in the order of the file.
    func writeData(_ sink: (UnsafeRawBufferPointer) throws -> Void) throws {
        for item in ordered {
            var written = 0
            try withoutActuallyEscaping(sink) { sink in
                try item.write { piece in
                    written += piece.count
                    precondition(written <= item.byteCount, "SafetensorsWriter: \(item.name) gave more than its \(item.byteCount) bytes")
                    if !piece.isEmpty { try sink(piece) }
                }
            }
            precondition(written == item.byteCount, "SafetensorsWriter: \(item.name) gave \(written) of \(item.byteCount) bytes")
        }
    }

    /// Writes the file; nothing half-written is ever visible under `path`.
    /// - Throws: `FileError`, and what the tensors' own functions throw.
    public func write(to path: String) throws {
        let header = [UInt8](header().utf8)
        precondition(header.count <= SafetensorsHeader.largest, "SafetensorsWriter: a header of \(header.count) bytes")
        try AtomicFile.write(to: path) { output in
            try withUnsafeBytes(of: UInt64(header.count).littleEndian) { try output.write($0) }
            try output.write(header)
            try writeData { try output.write($0) }
        }
    }

    private var ordered: [Item] {
        items.sorted { $0.type == $1.type ? $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) : $0.type > $1.type }
    }

    private func header() -> String {
        var parts: [String] = []
        if !metadata.isEmpty {
            let pairs = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            let text = pairs.map { "\(JSON.quoted($0.key)):\(JSON.quoted($0.value))" }.joined(separator: ",")
            parts.append("\"__metadata__\":{\(text)}")
        }
        var offset = 0
        for item in ordered {
            let shape = item.shape.map(String.init).joined(separator: ",")
            let end = offset + item.byteCount
            parts.append("\(JSON.quoted(item.name)):{\"dtype\":\"\(item.type.rawValue)\",\"shape\":[\(shape)],\"data_offsets\":[\(offset),\(end)]}")
            offset = end
        }
        let text = "{" + parts.joined(separator: ",") + "}"
        return text + String(repeating: " ", count: (8 - text.utf8.count % 8) % 8)
    }
}
