/// How the elements of a tensor are stored. Arithmetic is float32; the half types are those of weights,
/// which stay as they are in their file and are widened as they are used.
public enum ElementType: String, Sendable, CaseIterable {
    case float32, float16, bfloat16

    public var byteCount: Int { self == .float32 ? 4 : 2 }
}
