/// A frozen matrix `[out, in]` of a linear map. Over float32 rows it is used as its file has it; over bfloat16 rows as
/// bfloat16, made when first used and once, if the file has another type.
public final class LinearKernel {
    public let outputs, inputs: Int
    private let weight: Tensor
    private var narrow: Tensor?

    public init(_ weight: Tensor) {
        precondition(weight.shape.count == 2, "LinearKernel: \(weight.shape)")
        (outputs, inputs) = (weight.shape[0], weight.shape[1])
        self.weight = weight
    }

    /// The matrix for rows of this type.
    func values(for type: ElementType) -> Tensor {
        guard type == .bfloat16, weight.type != .bfloat16 else { return weight }
        if let narrow { return narrow }
        let y = weight.converted(to: .bfloat16)
        weight.storage.letGo()
        narrow = y
        return y
    }
}
