import CKernels
import Foundation
import Tensors

extension CPUDevice {
    public func upsample(_ y: Tensor, _ x: Tensor) {
        let (s, t) = (x.shape, y.shape)
        for image in 0..<s[0] {
            let from = image * s[1] * s[2] * s[3], to = image * t[1] * t[2] * t[3]
            threads.ranges(t[1], least: max(1, (1 << 14) / max(1, t[2] * t[3]))) { r in
                if y.type == .bfloat16 {
                    ck_upsample_nearest_bf16(y.bfloats + to, x.bfloats + from, s[1], s[2], t[1], t[2], s[3], r.lowerBound, r.upperBound)
                } else {
                    ck_upsample_nearest(y.floats + to, x.floats + from, s[1], s[2], t[1], t[2], s[3], r.lowerBound, r.upperBound)
                }
            }
        }
    }

    public func upsampleBackward(_ dx: Tensor, _ dy: Tensor) {
        let (s, t) = (dx.shape, dy.shape)
        for image in 0..<s[0] {
            let to = image * s[1] * s[2] * s[3], from = image * t[1] * t[2] * t[3]
            threads.ranges(s[1], least: max(1, (1 << 14) / max(1, t[2] * t[3]))) { r in
                if dx.type == .bfloat16 {
                    ck_upsample_nearest_backward_bf16(
                        dx.bfloats + to, dy.bfloats + from, s[1], s[2], t[1], t[2], s[3], r.lowerBound, r.upperBound)
                } else {
                    ck_upsample_nearest_backward(
                        dx.floats + to, dy.floats + from, s[1], s[2], t[1], t[2], s[3], r.lowerBound, r.upperBound)
                }
            }
        }
    }

    public func copyColumns(_ y: Tensor, yWidth: Int, yFrom: Int, _ x: Tensor, xWidth: Int, xFrom: Int, count: Int, rows: Int) {
        precondition(y.type == x.type, "copyColumns: \(x.type) to \(y.type)")
        let (y, x, size) = (y.storage.pointer, x.storage.pointer, x.type.byteCount)
        threads.ranges(rows, least: max(1, (1 << 15) / max(count, 1))) { range in
            for r in range { memcpy(y + (r * yWidth + yFrom) * size, x + (r * xWidth + xFrom) * size, count * size) }
        }
    }

    public func transpose(_ y: Tensor, _ x: Tensor, n: Int, rows: Int, columns: Int) {
        func transpose<Element>(_ y: UnsafeMutablePointer<Element>, _ x: UnsafeMutablePointer<Element>) {
            for i in 0..<n {
                let from = x + i * rows * columns, to = y + i * rows * columns
                for r in 0..<rows { for c in 0..<columns { to[c * rows + r] = from[r * columns + c] } }
            }
        }
        if y.type == .bfloat16 { transpose(y.bfloats, x.bfloats) } else { transpose(y.floats, x.floats) }
    }
}
