import Foundation
import Tensors

/// A safetensors file, mapped read-only. Every field of its header is checked on opening; afterwards no access can leave
/// the file. What another program does to the file while it is mapped is `MappedFiles`' concern.
public final class SafetensorsFile {
    public struct Entry: Sendable {
        public let name: String
        public let type: SafetensorsType
        public let shape: [Int]
        fileprivate let range: Range<Int>

        public var byteCount: Int { range.count }
        /// Number of elements.
        public var count: Int { range.count / type.byteCount }
    }

    public let path: String
    /// The tensors in the order of their bytes.
    public let entries: [Entry]
    public let metadata: [String: String]
    let file: MappedFile
    private let dataStart: Int
    private let index: [String: Int]

    /// - Throws: `FileError` where the file cannot be read, `SafetensorsError` where it is not what it claims to be.
    public init(_ path: String) throws {
        self.path = path
        file = try MappedFile(path)
        let header = try file.withBytes { try SafetensorsHeader($0, path: path) }
        metadata = header.metadata
        dataStart = header.dataStart
        entries = header.entries.map { Entry(name: $0.name, type: $0.type, shape: $0.shape, range: $0.range) }
        index = Dictionary(uniqueKeysWithValues: entries.enumerated().map { ($1.name, $0) })
    }

    public subscript(name: String) -> Entry? { index[name].map { entries[$0] } }

    /// Hands `body` the bytes of one tensor as they lie in the file, at any alignment; they are valid only inside.
    public func withBytes<Result>(of entry: Entry, _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try file.withBytes { try body(UnsafeRawBufferPointer(rebasing: $0[dataStart + entry.range.lowerBound..<dataStart + entry.range.upperBound])) }
    }

    /// Whether a tensor's first byte is not where its type wants it: what is used of it is a copy in memory.
    public func liesAskew(_ entry: Entry) -> Bool { !(dataStart + entry.range.lowerBound).isMultiple(of: max(1, entry.type.elementType?.byteCount ?? 1)) }

    /// The tensor in the file's own type: the mapped bytes themselves, or a copy where they lie askew.
    /// - Throws: `SafetensorsError` for a missing name or a type that is not F32, F16 or BF16.
    public func tensor(_ name: String) throws -> Tensor {
        let entry = try floating(name)
        let type = entry.type.elementType!
        return withBytes(of: entry) { bytes in
            if let base = bytes.baseAddress, !bytes.isEmpty, UInt(bitPattern: base).isMultiple(of: UInt(type.byteCount)) {
                return Tensor(borrowing: base, shape: entry.shape, type: type, owner: file)
            }
            let copy = AlignedCopy(bytes)
            return Tensor(borrowing: copy.pointer, shape: entry.shape, type: type, owner: copy)
        }
    }

    /// The elements widened to float32: exact for F16 and BF16.
    /// - Throws: as `tensor(_:)`.
    public func floats(_ name: String) throws -> [Float] {
        let entry = try floating(name)
        return withBytes(of: entry) { bytes in
            func all(_ width: Int, _ read: (Int) -> Float) -> [Float] { (0..<entry.count).map { read($0 * width) } }
            return switch entry.type {
            case .float32: all(4) { Float(bitPattern: bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self)) }
            case .bfloat16: all(2) { Float(bitPattern: UInt32(bytes.loadUnaligned(fromByteOffset: $0, as: UInt16.self)) << 16) }
            default: all(2) { Self.widened(half: bytes.loadUnaligned(fromByteOffset: $0, as: UInt16.self)) }
            }
        }
    }

    /// The elements of a whole-number tensor (I64, I32, U8, BOOL …).
    /// - Throws: `SafetensorsError` for a missing name or another type.
    public func integers(_ name: String) throws -> [Int] {
        let entry = try known(name)
        func all<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type) -> [Int] {
            withBytes(of: entry) { bytes in
                (0..<entry.count).map { Int(truncatingIfNeeded: bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.size, as: T.self)) }
            }
        }
        return switch entry.type {
        case .int64: all(Int64.self)
        case .uint64: all(UInt64.self)
        case .int32: all(Int32.self)
        case .uint32: all(UInt32.self)
        case .int16: all(Int16.self)
        case .uint16: all(UInt16.self)
        case .int8: all(Int8.self)
        case .uint8, .bool: all(UInt8.self)
        default:
            throw SafetensorsError(path, tensor: name, "it is \(entry.type.rawValue) where whole numbers are wanted", remedy: "Use another file")
        }
    }

    /// The one number of a tensor, of whatever type; nil where it has none or several.
    /// - Throws: `SafetensorsError` for a missing name, and a type that is neither whole nor a usual float.
    public func scalar(_ name: String) throws -> Double? {
        let entry = try known(name)
        guard entry.count == 1 else { return nil }
        if entry.type == .float64 { return withBytes(of: entry) { $0.loadUnaligned(as: Double.self) } }
        return try entry.type.elementType != nil ? Double(floats(name)[0]) : Double(integers(name)[0])
    }

    private func known(_ name: String) throws -> Entry {
        guard let entry = self[name] else {
            throw SafetensorsError(path, tensor: name, "it is not in the file", remedy: "Use the file that has it")
        }
        return entry
    }

    private func floating(_ name: String) throws -> Entry {
        let entry = try known(name)
        guard entry.type.elementType != nil else {
            throw SafetensorsError(
                path, tensor: name, "it is \(entry.type.rawValue) where F32, F16 or BF16 is wanted", remedy: "Save it in one of these types")
        }
        return entry
    }

    /// IEEE half to single: exact, subnormals and NaN payloads included.
    static func widened(half bits: UInt16) -> Float {
        let sign = UInt32(bits & 0x8000) << 16, exponent = UInt32(bits >> 10 & 0x1f), fraction = UInt32(bits & 0x3ff)
        switch exponent {
        case 0:
            let magnitude = Float(fraction) * 0x1p-24
            return sign == 0 ? magnitude : -magnitude
        case 31: return Float(bitPattern: sign | 0x7f80_0000 | fraction << 13)
        default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
        }
    }
}
