import Foundation
import Tensors
import Weights

/// Sinusoidal embedding of a number, then two linear maps with SiLU between them.
public struct TimestepEmbedding {
    let first, second: Linear

    public init(_ weights: WeightScope, inputs: Int, outputs: Int) {
        first = Linear(weights["linear_1"], inputs: inputs, outputs: outputs, bias: true)
        second = Linear(weights["linear_2"], inputs: outputs, outputs: outputs, bias: true)
    }

    /// `[N, inputs]` to `[N, outputs]`.
    public func callAsFunction(_ x: Tensor) -> Tensor { second(first(x).silu()) }
}

/// The sinusoids of diffusers' `get_timestep_embedding`, in float32 as there:
///
///     f_i = exp(−ln(10000)·i / (half − shift)),   i < half = ⌊width/2⌋
///     [sin(t·f), cos(t·f)], or [cos, sin] where `flipped`; a zero at the end of an odd width
public struct Sinusoids: Sendable {
    let width: Int, flipped: Bool, shift: Float

    public init(width: Int, flipped: Bool, shift: Double) {
        (self.width, self.flipped, self.shift) = (width, flipped, Float(shift))
    }

    /// `[values.count, width]`
    public func callAsFunction(_ values: [Float]) -> Tensor {
        let half = width / 2
        var out = [Float](repeating: 0, count: values.count * width)
        for i in 0..<half {
            let exponent = -Float(log(10000.0)) * Float(i) / (Float(half) - shift)
            let frequency = exp(exponent)
            for (n, value) in values.enumerated() {
                let angle = value * frequency
                out[n * width + i] = flipped ? cos(angle) : sin(angle)
                out[n * width + half + i] = flipped ? sin(angle) : cos(angle)
            }
        }
        return Tensor(out, shape: [values.count, width])
    }
}
