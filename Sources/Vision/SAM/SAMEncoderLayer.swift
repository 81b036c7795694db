import Layers
import Tensors
import Weights

/// One layer of SAM's encoder: attention within windows or over the whole grid, then two linear maps, each on a
/// normalised copy of the stream and added back to it.
struct SAMEncoderLayer {
    private let norm1, norm2: LayerNorm
    private let qkv, output, first, second: Linear
    /// What stands for the tokens outside the grid: zeros, after the projection.
    private let padding: Tensor
    private let bias: PositionBias?
    private let heads, window: Int, activation: SAMActivation

    /// - Parameters:
    ///   - window: side of the windows; 0: the whole grid.
    ///   - precision: of what comes in.
    init(_ weights: WeightScope, _ c: SAMEncoderConfiguration, window: Int, precision: ElementType) {
        norm1 = LayerNorm(weights["layer_norm1"], width: c.width, epsilon: c.epsilon)
        norm2 = LayerNorm(weights["layer_norm2"], width: c.width, epsilon: c.epsilon)
        let attention = weights["attn"]
        qkv = Linear(attention["qkv"], inputs: c.width, outputs: 3 * c.width, bias: c.hasBias)
        padding = (c.hasBias ? attention["qkv"].vector("bias", count: 3 * c.width) : Tensor(zeros: [3 * c.width])).converted(to: precision)
        output = Linear(attention["proj"], inputs: c.width, outputs: c.width, bias: true)
        first = Linear(weights["mlp"]["lin1"], inputs: c.width, outputs: c.inner, bias: true)
        second = Linear(weights["mlp"]["lin2"], inputs: c.inner, outputs: c.width, bias: true)
        let side = window == 0 ? c.grid : window, size = c.width / c.heads
        bias = c.hasRelativePositions
            ? .relative(
                rows: Self.relativePositions(attention, "rel_pos_h", side: side, size: size),
                columns: Self.relativePositions(attention, "rel_pos_w", side: side, size: size))
            : nil
        (heads, self.window, activation) = (c.heads, window, c.activation)
    }

    /// A table of relative positions, `[2·side − 1, size]`, the largest offset first. One of another length, of a model
    /// for other pictures, is interpolated (linearly, as transformers' `get_rel_pos` does).
    private static func relativePositions(_ weights: WeightScope, _ name: String, side: Int, size: Int) -> Tensor {
        let wanted = 2 * side - 1, found = weights.shape(of: name)
        let length = found.map { $0.count == 2 && (1...1 << 14).contains($0[0]) ? $0[0] : wanted } ?? wanted
        let table = weights.tensor(name, shape: [length, size]).widened()
        let fitting = length == wanted ? table
            : table.reshaped([1, length, 1, size]).resizedBilinear(height: wanted, width: 1).reshaped([wanted, size])
        return fitting.gathered(Array((0..<wanted).reversed()))
    }

    /// `[1, grid, grid, width]`
    func callAsFunction(_ x: Tensor) -> Tensor {
        let (height, width) = (x.shape[1], x.shape[2])
        let attended: Tensor
        // Tokens outside the grid are added after the projection, which they need not go through.
        let projected = qkv(norm1(x))
        if window == 0 {
            attended = projected.reshaped([1, height * width, projected.shape[3]]).selfAttention(heads: heads, bias: bias)
        } else {
            attended = projected.windows(of: window, fill: padding).selfAttention(heads: heads, bias: bias)
                .joinedWindows(of: window, height: height, width: width)
        }
        let y = x + output(attended.reshaped(x.shape))
        return y + second(activation(first(norm2(y))))
    }
}
