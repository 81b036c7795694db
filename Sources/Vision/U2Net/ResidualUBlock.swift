import Tensors
import Weights

/// U²-Net's residual U-block (Qin et al., "U²-Net: Going deeper with nested U-structure", 2020, figure 2): a small U-Net
/// whose output is added to its own first feature map.
struct ResidualUBlock {
    /// How many levels a block has, and how it widens its view from one to the next.
    enum Depth {
        /// Halves the map from level to level.
        case pooled(Int)
        /// Four levels of one size that look 1, 2, 4 and 8 pixels apart.
        case dilated
    }

    private let input: ConvolutionReLU
    /// From the top to the bottom.
    private let down: [ConvolutionReLU]
    /// From the bottom to the top.
    private let up: [ConvolutionReLU]
    private let pools: Bool

    init(_ weights: WeightScope, inputs: Int, inner: Int, outputs: Int, _ depth: Depth) {
        let levels: Int, dilations: [Int], pools: Bool
        switch depth {
        case .pooled(let count):
            (levels, pools) = (count, true)
            dilations = Array(repeating: 1, count: count - 1) + [2]
        case .dilated:
            (levels, pools) = (4, false)
            dilations = [1, 2, 4, 8]
        }
        self.pools = pools
        input = ConvolutionReLU(weights["rebnconvin"], inputs: inputs, outputs: outputs)
        down = (1...levels).map {
            ConvolutionReLU(weights["rebnconv\($0)"], inputs: $0 == 1 ? outputs : inner, outputs: inner, dilation: dilations[$0 - 1])
        }
        up = (1..<levels).reversed().map {
            ConvolutionReLU(weights["rebnconv\($0)d"], inputs: 2 * inner, outputs: $0 == 1 ? outputs : inner, dilation: pools ? 1 : dilations[$0 - 1])
        }
    }

    /// `[N, H, W, in]` to `[N, H, W, out]`.
    func callAsFunction(_ x: Tensor) -> Tensor {
        let first = input(x)
        var levels: [Tensor] = [], h = first
        for (i, step) in down.enumerated() {
            // The last level has the size of the one above it.
            if pools, i > 0, i < down.count - 1 { h = h.maxPooled() }
            h = step(h)
            levels.append(h)
        }
        levels.removeLast()
        for step in up {
            let level = levels.removeLast()
            h = step(h.resizedBilinear(height: level.shape[1], width: level.shape[2]).concatenated(level))
        }
        return h + first
    }
}
