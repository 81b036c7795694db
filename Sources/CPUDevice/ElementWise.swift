import CKernels
import Tensors

extension CPUDevice {
    /// Elements below which one thread does it all.
    private static let share = 1 << 15

    public func add(_ y: Tensor, _ a: Tensor, _ b: Tensor) {
        let (y, a, b, n) = (y.floats, a.floats, b.floats, y.count)
        threads.ranges(n, least: Self.share) { ck_add(y + $0.lowerBound, a + $0.lowerBound, b + $0.lowerBound, $0.count) }
    }

    public func scale(_ y: Tensor, _ x: Tensor, by factor: Float) {
        let (y, x, n) = (y.floats, x.floats, y.count)
        threads.ranges(n, least: Self.share) { ck_scale(y + $0.lowerBound, x + $0.lowerBound, factor, $0.count) }
    }

    public func addScaled(_ y: Tensor, _ x: Tensor, by factor: Float) {
        let (y, x, n) = (y.floats, x.floats, y.count)
        threads.ranges(n, least: Self.share) { ck_add_scaled(y + $0.lowerBound, x + $0.lowerBound, factor, $0.count) }
    }

    public func silu(_ y: Tensor, _ x: Tensor) {
        let (y, x, n) = (y.floats, x.floats, y.count)
        threads.ranges(n, least: Self.share) { ck_silu(y + $0.lowerBound, x + $0.lowerBound, $0.count) }
    }

    public func siluBackward(_ dx: Tensor, _ dy: Tensor, _ x: Tensor) {
        let (dx, dy, x, n) = (dx.floats, dy.floats, x.floats, dx.count)
        threads.ranges(n, least: Self.share) {
            ck_silu_backward(dx + $0.lowerBound, dy + $0.lowerBound, x + $0.lowerBound, $0.count)
        }
    }

    public func gelu(_ y: Tensor, _ x: Tensor) {
        let (y, x, n) = (y.floats, x.floats, y.count)
        threads.ranges(n, least: Self.share) { ck_gelu(y + $0.lowerBound, x + $0.lowerBound, $0.count) }
    }

    public func quickGELU(_ y: Tensor, _ x: Tensor) {
        let (y, x, n) = (y.floats, x.floats, y.count)
        threads.ranges(n, least: Self.share) { ck_quick_gelu(y + $0.lowerBound, x + $0.lowerBound, $0.count) }
    }

    public func relu(_ y: Tensor, _ x: Tensor) {
        let (y, x, n) = (y.floats, x.floats, y.count)
        threads.ranges(n, least: Self.share) { ck_relu(y + $0.lowerBound, x + $0.lowerBound, $0.count) }
    }

    public func sigmoid(_ y: Tensor, _ x: Tensor) {
        let (y, x, n) = (y.floats, x.floats, y.count)
        threads.ranges(n, least: Self.share) { ck_sigmoid(y + $0.lowerBound, x + $0.lowerBound, $0.count) }
    }

    public func geglu(_ y: Tensor, _ x: Tensor, rows: Int, width: Int) {
        let (y, x) = (y.floats, x.floats)
        threads.ranges(rows, least: max(1, Self.share / max(width, 1))) {
            ck_geglu(y + $0.lowerBound * width, x + $0.lowerBound * 2 * width, $0.count, width)
        }
    }

    public func gegluBackward(_ dx: Tensor, _ dy: Tensor, _ x: Tensor, rows: Int, width: Int) {
        let (dx, dy, x) = (dx.floats, dy.floats, x.floats)
        threads.ranges(rows, least: max(1, Self.share / max(width, 1))) {
            ck_geglu_backward(dx + $0.lowerBound * 2 * width, dy + $0.lowerBound * width, x + $0.lowerBound * 2 * width, $0.count, width)
        }
    }
}
