import CKernels
import Tensors

extension CPUDevice {
    public func scaleColumns(_ y: Tensor, _ x: Tensor, by scale: Tensor, rows: Int, width: Int) {
        let (y, x, scale) = (y.floats, x.floats, scale.floats), zeros = [Float](repeating: 0, count: width)
        zeros.withUnsafeBufferPointer { zeros in
            nonisolated(unsafe) let shift = zeros.baseAddress!
            threads.ranges(rows, least: max(1, (1 << 15) / max(width, 1))) {
                ck_channel_affine(y + $0.lowerBound * width, x + $0.lowerBound * width, scale, shift, $0.count, width, 0)
            }
        }
    }

    public func swiglu(_ y: Tensor, _ x: Tensor, rows: Int, width: Int) {
        let (y, x) = (y.floats, x.floats)
        threads.ranges(rows, least: max(1, (1 << 15) / max(width, 1))) { range in
            for row in range {
                let out = y + row * width, gate = x + row * 2 * width, value = gate + width
                ck_silu(out, gate, width)
                for i in 0..<width { out[i] *= value[i] }
            }
        }
    }
}
