import Images

/// How much each latent pixel counts in the loss.
public enum LossMask {
    /// M·(1 − α) + α, `[side, side]`, where M is `union` (0 or 1) resized to `side` × `side`: bilinear with half-pixel
    /// centres and without antialiasing, PyTorch's `F.interpolate(mode="bilinear", align_corners=False)`, in
    /// float32. α = `softAlpha`: 1 leaves every pixel its full weight, 0 only the subjects'.
    public static func weights(union: GrayImage, side: Int, softAlpha: Double) -> [Float] {
        let columns = taps(from: union.width, to: side), rows = taps(from: union.height, to: side)
        let slope = Float(1 - softAlpha), floor = Float(softAlpha)
        var weights = [Float](repeating: 0, count: side * side)
        for y in 0..<side {
            let row = rows[y], upper = row.first * union.width, lower = row.second * union.width
            for x in 0..<side {
                let column = columns[x]
                func mixed(_ line: Int) -> Float {
                    (1 - column.part) * Float(union.bytes[line + column.first]) + column.part * Float(union.bytes[line + column.second])
                }
                let value = (1 - row.part) * mixed(upper) + row.part * mixed(lower)
                weights[y * side + x] = value * slope + floor
            }
        }
        return weights
    }

    /// For each output its two inputs and the second one's part.
    private static func taps(from inputs: Int, to outputs: Int) -> [(first: Int, second: Int, part: Float)] {
        let scale = Float(inputs) / Float(outputs)
        return (0..<outputs).map { i in
            let source = max(0, scale * (Float(i) + 0.5) - 0.5)
            let first = min(Int(source), inputs - 1)
            return (first, min(first + 1, inputs - 1), source - Float(first))
        }
    }
}
