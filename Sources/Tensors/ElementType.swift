/// How the elements of a tensor are stored. Activations are float32 or bfloat16, and an operation's result is of its
/// input's type; sums, statistics and everything trained are float32. float16 is a type of files only: such weights are
/// widened as they are used, or made bfloat16 once.
public enum ElementType: String, Sendable, CaseIterable {
    case float32, float16, bfloat16

    public var byteCount: Int { self == .float32 ? 4 : 2 }
}
