import Tensors
import Weights

/// Two linear maps with a gated GELU between them: `[…, width]` to `[…, width]` through 4·width.
public struct FeedForward {
    let input, output: Linear

    public init(_ weights: WeightScope, width: Int) {
        input = Linear(weights["net"][0]["proj"], inputs: width, outputs: 8 * width, bias: true)
        output = Linear(weights["net"][2], inputs: 4 * width, outputs: width, bias: true)
    }

    public func callAsFunction(_ x: Tensor) -> Tensor { output(input(x).geglu()) }
}
