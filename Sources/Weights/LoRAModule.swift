/// One adapted module of a LoRA file: `W + (alpha / rank)·up·down`.
public struct LoRAModule {
    /// The name as the file has it: a diffusers path, or kohya's with underscores.
    public let name: String
    /// `[rank, inputs]`, row-major.
    public let down: [Float]
    /// `[outputs, rank]`, row-major.
    public let up: [Float]
    public let rank, inputs, outputs: Int
    /// nil: the rank.
    public let alpha: Float?

    public init(name: String, down: [Float], up: [Float], rank: Int, inputs: Int, outputs: Int, alpha: Float?) {
        precondition(down.count == rank * inputs && up.count == outputs * rank, "LoRAModule \(name): \(rank)×\(inputs), \(outputs)×\(rank)")
        (self.name, self.down, self.up) = (name, down, up)
        (self.rank, self.inputs, self.outputs, self.alpha) = (rank, inputs, outputs, alpha)
    }

    /// What the product is multiplied by.
    public var scale: Float { (alpha ?? Float(rank)) / Float(rank) }
}
