import Tensors

/// The element types a safetensors file may declare, in the format's own order (by alignment): a file's tensors are
/// laid out from the last of these to the first.
public enum SafetensorsType: String, Sendable, CaseIterable, Comparable {
    case bool = "BOOL", uint8 = "U8", int8 = "I8"
    case float8e5m2 = "F8_E5M2", float8e4m3 = "F8_E4M3", float8e8m0 = "F8_E8M0"
    case int16 = "I16", uint16 = "U16", float16 = "F16", bfloat16 = "BF16"
    case int32 = "I32", uint32 = "U32", float32 = "F32"
    case complex64 = "C64", float64 = "F64", int64 = "I64", uint64 = "U64"

    public var byteCount: Int {
        switch self {
        case .bool, .uint8, .int8, .float8e5m2, .float8e4m3, .float8e8m0: 1
        case .int16, .uint16, .float16, .bfloat16: 2
        case .int32, .uint32, .float32: 4
        case .complex64, .float64, .int64, .uint64: 8
        }
    }

    /// The engine's name for it; nil for what the engine does not compute with.
    public var elementType: ElementType? {
        switch self {
        case .float32: .float32
        case .float16: .float16
        case .bfloat16: .bfloat16
        default: nil
        }
    }

    public init(_ type: ElementType) {
        switch type {
        case .float32: self = .float32
        case .float16: self = .float16
        case .bfloat16: self = .bfloat16
        }
    }

    private var rank: Int { Self.allCases.firstIndex(of: self)! }

    public static func < (a: Self, b: Self) -> Bool { a.rank < b.rank }
}
