import CKernels
import Foundation
import Tensors

extension CPUDevice {
    public func upsample(_ y: Tensor, _ x: Tensor) {
        let (s, t) = (x.shape, y.shape), (px, py) = (x.floats, y.floats)
        for image in 0..<s[0] {
            threads.ranges(t[1], least: max(1, (1 << 14) / max(1, t[2] * t[3]))) {
                ck_upsample_nearest(
                    py + image * t[1] * t[2] * t[3], px + image * s[1] * s[2] * s[3],
                    s[1], s[2], t[1], t[2], s[3], $0.lowerBound, $0.upperBound)
            }
        }
    }

    public func upsampleBackward(_ dx: Tensor, _ dy: Tensor) {
        let (s, t) = (dx.shape, dy.shape), (px, py) = (dx.floats, dy.floats)
        for image in 0..<s[0] {
            threads.ranges(s[1], least: max(1, (1 << 14) / max(1, t[2] * t[3]))) {
                ck_upsample_nearest_backward(
                    px + image * s[1] * s[2] * s[3], py + image * t[1] * t[2] * t[3],
                    s[1], s[2], t[1], t[2], s[3], $0.lowerBound, $0.upperBound)
            }
        }
    }

    public func copyColumns(_ y: Tensor, yWidth: Int, yFrom: Int, _ x: Tensor, xWidth: Int, xFrom: Int, count: Int, rows: Int) {
        let (y, x) = (y.floats, x.floats)
        threads.ranges(rows, least: max(1, (1 << 15) / max(count, 1))) { range in
            for r in range { memcpy(y + r * yWidth + yFrom, x + r * xWidth + xFrom, count * 4) }
        }
    }

    public func transpose(_ y: Tensor, _ x: Tensor, n: Int, rows: Int, columns: Int) {
        let (y, x) = (y.floats, x.floats)
        for i in 0..<n {
            let from = x + i * rows * columns, to = y + i * rows * columns
            for r in 0..<rows { for c in 0..<columns { to[c * rows + r] = from[r * columns + c] } }
        }
    }
}
