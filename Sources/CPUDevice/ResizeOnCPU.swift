import CKernels
import Tensors

extension CPUDevice {
    public func resizeBilinear(_ y: Tensor, _ x: Tensor) {
        let (s, t) = (x.shape, y.shape), (px, py) = (x.floats, y.floats)
        let pieces = max(1, min(threads.count, t[1] * t[2] * t[3] >> 14))
        threads.run(s[0] * pieces, scratch: ck_resize_bilinear_scratch(s[2], t[2], s[3])) { task, scratch in
            let image = task / pieces, piece = task % pieces
            ck_resize_bilinear(
                py + image * t[1] * t[2] * t[3], px + image * s[1] * s[2] * s[3], s[1], s[2], t[1], t[2], s[3],
                t[1] * piece / pieces, t[1] * (piece + 1) / pieces, scratch)
        }
    }
}
