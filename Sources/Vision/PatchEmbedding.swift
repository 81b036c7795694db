import Layers
import Tensors
import Weights

/// The first layer of a vision transformer: a picture in square patches, each mapped to a token (a convolution whose stride
/// is its size), a class token before them, and a learned position added to each.
struct PatchEmbedding {
    /// `[width, channels·patch·patch]`
    private let weight: Tensor, bias: Tensor?
    private let patch, channels: Int

    /// `weights` is the convolution's scope; its weight is `[width, 3, patch, patch]`.
    init(_ weights: WeightScope, width: Int, patch: Int, bias hasBias: Bool) {
        (self.patch, channels) = (patch, 3)
        weight = weights.tensor("weight", shape: [width, 3, patch, patch]).reshaped([width, 3 * patch * patch])
        bias = hasBias ? weights.vector("bias", count: width) : nil
    }

    /// How many patches a picture has; what is left over at the right and at the bottom is not seen.
    func grid(height: Int, width: Int) -> (rows: Int, columns: Int) { (height / patch, width / patch) }

    /// `pixels` `[N, H, W, 3]`, `classToken` `[width]`, `positions` `[1 + patches, width]` to `[N, 1 + patches, width]`.
    func callAsFunction(_ pixels: Tensor, classToken: Tensor, positions: Tensor) -> Tensor {
        let n = pixels.shape[0], width = weight.shape[0]
        let tokens = patches(pixels).linear(weight, bias: bias), count = tokens.shape[0] / n
        precondition(positions.shape == [1 + count, width], "PatchEmbedding: positions \(positions.shape) for \(count) patches")
        let images = (0..<n).map { Tensor.stacked([classToken.reshaped([1, width]), tokens.rows($0 * count, count)]) + positions }
        return Tensor.stacked(images).reshaped([n, 1 + count, width])
    }

    /// The numbers of each patch in the order of the kernel (channel, row, column): `[N·patches, channels·patch·patch]`.
    private func patches(_ pixels: Tensor) -> Tensor {
        precondition(pixels.shape.count == 4 && pixels.shape[3] == channels, "PatchEmbedding: \(pixels.shape)")
        let (n, h, w) = (pixels.shape[0], pixels.shape[1], pixels.shape[2]), (rows, columns) = grid(height: h, width: w)
        let y = Tensor(uninitialized: [n * rows * columns, channels * patch * patch])
        let from = pixels.floats
        var out = y.floats
        for image in 0..<n {
            for row in 0..<rows {
                for column in 0..<columns {
                    for c in 0..<channels {
                        for v in 0..<patch {
                            let line = from + ((image * h + row * patch + v) * w + column * patch) * channels + c
                            for u in 0..<patch { out[u] = line[u * channels] }
                            out += patch
                        }
                    }
                }
            }
        }
        return y
    }
}
