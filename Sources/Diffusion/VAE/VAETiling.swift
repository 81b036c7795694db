import Tensors

/// Encoding and decoding piece by piece, where the whole would need too much memory: overlapping square tiles whose seams
/// are blended linearly, as diffusers' `AutoencoderKL.enable_tiling` does it, with an overlap of a quarter.
///
/// Each tile is normalised by itself, so colours differ slightly from those of the whole; what fits into one tile is
/// exactly the same.
public struct VAETiling: Equatable, Sendable {
    /// Side of a tile in latent pixels, a multiple of 4, at least 8.
    public let latentSide: Int

    public init(latentSide: Int) {
        precondition(latentSide >= 8 && latentSide.isMultiple(of: 4), "VAETiling: side \(latentSide)")
        self.latentSide = latentSide
    }

    static func isNeeded(_ x: Tensor, side: Int) -> Bool { x.shape[1] > side || x.shape[2] > side }

    /// Runs `body` on tiles of `x` `[N, H, W, C]` with side `side`, which it turns into tiles with side `outSide`, and joins
    /// what it gives.
    static func joined(_ x: Tensor, side: Int, outSide: Int, _ body: (Tensor) -> Tensor) -> Tensor {
        let stride = side - side / 4, blend = outSide / 4, limit = outSide - blend
        let height = x.shape[1] * outSide / side, width = x.shape[2] * outSide / side
        var whole: Tensor?, above: [Tensor] = []
        for (i, top) in Swift.stride(from: 0, to: x.shape[1], by: stride).enumerated() {
            var row: [Tensor] = []
            for (j, left) in Swift.stride(from: 0, to: x.shape[2], by: stride).enumerated() {
                let part = x.patch(y: top, x: left, height: min(side, x.shape[1] - top), width: min(side, x.shape[2] - left))
                let tile = body(part)
                if i > 0 { tile.blend(after: above[j], blend, axis: 1) }
                if j > 0 { tile.blend(after: row[j - 1], blend, axis: 2) }
                row.append(tile)
                let all = whole ?? Tensor(uninitialized: [x.shape[0], height, width, tile.shape[3]])
                whole = all
                all.paste(tile, y: i * limit, x: j * limit, height: min(limit, tile.shape[1]), width: min(limit, tile.shape[2]))
            }
            above = row
        }
        return whole!
    }
}

extension Tensor {
    /// A copy of a rectangle of every image of `[N, H, W, C]`; off the tape.
    func patch(y: Int, x: Int, height: Int, width: Int) -> Tensor {
        let (n, h, w, c) = (shape[0], shape[1], shape[2], shape[3]), out = Tensor(uninitialized: [n, height, width, c])
        for image in 0..<n {
            for row in 0..<height {
                (out.floats + (image * height + row) * width * c).update(from: floats + ((image * h + y + row) * w + x) * c, count: width * c)
            }
        }
        return out
    }

    /// Writes the upper left `height` × `width` of every image of `other` to (x, y).
    fileprivate func paste(_ other: Tensor, y: Int, x: Int, height: Int, width: Int) {
        let (n, h, w, c) = (shape[0], shape[1], shape[2], shape[3])
        precondition(y + height <= h && x + width <= w && other.shape[3] == c, "paste: \(other.shape) at (\(x), \(y)) of \(shape)")
        for image in 0..<n {
            for row in 0..<height {
                (floats + ((image * h + y + row) * w + x) * c)
                    .update(from: other.floats + (image * other.shape[1] + row) * other.shape[2] * c, count: width * c)
            }
        }
    }

    /// The first `extent` lines along `axis` become what fades from the last lines of `before` into them.
    fileprivate func blend(after before: Tensor, _ extent: Int, axis: Int) {
        let extent = min(before.shape[axis], shape[axis], extent)
        let lines = shape[axis], linesBefore = before.shape[axis]
        // Elements of one line, and how many runs of lines there are.
        let each = shape[(axis + 1)...].reduce(1, *), runs = shape[..<axis].reduce(1, *)
        for run in 0..<runs {
            for line in 0..<extent {
                let share = Float(line) / Float(extent)
                let to = floats + (run * lines + line) * each, from = before.floats + (run * linesBefore + linesBefore - extent + line) * each
                for k in 0..<each { to[k] = from[k] * (1 - share) + to[k] * share }
            }
        }
    }
}
