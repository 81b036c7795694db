import CKernels
import Foundation
import Tensors

extension CPUDevice {
    public func maxPool(_ y: Tensor, _ x: Tensor) {
        let (s, t) = (x.shape, y.shape), (px, py) = (x.floats, y.floats)
        for image in 0..<s[0] {
            threads.ranges(t[1], least: max(1, (1 << 13) / max(1, t[2] * t[3]))) {
                ck_max_pool(
                    py + image * t[1] * t[2] * t[3], px + image * s[1] * s[2] * s[3], s[1], s[2], s[3], $0.lowerBound, $0.upperBound)
            }
        }
    }

    public func splitPhases(_ y: Tensor, _ x: Tensor, step: Int) {
        memset(y.floats, 0, y.count * 4)
        exchange(phases: y, image: x, step: step) { phase, image, bytes in memcpy(phase, image, bytes) }
    }

    public func joinPhases(_ y: Tensor, _ x: Tensor, step: Int) {
        exchange(phases: x, image: y, step: step) { phase, image, bytes in memcpy(image, phase, bytes) }
    }

    /// Calls `copy` for every pixel with its place among the phases and in the image.
    private func exchange(
        phases: Tensor, image: Tensor, step: Int, _ copy: (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>, Int) -> Void
    ) {
        let (n, h, w, c) = (image.shape[0], image.shape[1], image.shape[2], image.shape[3])
        let (rows, columns) = (phases.shape[1], phases.shape[2])
        for i in 0..<n {
            for y in 0..<h {
                for x in 0..<w {
                    let part = ((y % step) * step + x % step) * n + i
                    copy(phases.floats + ((part * rows + y / step) * columns + x / step) * c, image.floats + ((i * h + y) * w + x) * c, c * 4)
                }
            }
        }
    }
}
