import CKernels
import Tensors

extension CPUDevice {
    /// Elements below which one thread does it all.
    private static let share = 1 << 15

    public func add(_ y: Tensor, _ a: Tensor, _ b: Tensor) {
        threads.ranges(y.count, least: Self.share) { r in
            let i = r.lowerBound
            if y.type == .bfloat16 {
                ck_add_bf16(y.bfloats + i, a.bfloats + i, b.bfloats + i, r.count)
            } else {
                ck_add(y.floats + i, a.floats + i, b.floats + i, r.count)
            }
        }
    }

    public func scale(_ y: Tensor, _ x: Tensor, by factor: Float) {
        threads.ranges(y.count, least: Self.share) { r in
            let i = r.lowerBound
            if y.type == .bfloat16 {
                ck_scale_bf16(y.bfloats + i, x.bfloats + i, factor, r.count)
            } else {
                ck_scale(y.floats + i, x.floats + i, factor, r.count)
            }
        }
    }

    public func silu(_ y: Tensor, _ x: Tensor) { map(y, x, ck_silu, ck_silu_bf16) }
    public func gelu(_ y: Tensor, _ x: Tensor) { map(y, x, ck_gelu, ck_gelu_bf16) }
    public func quickGELU(_ y: Tensor, _ x: Tensor) { map(y, x, ck_quick_gelu, ck_quick_gelu_bf16) }

    public func siluBackward(_ dx: Tensor, _ dy: Tensor, _ x: Tensor) {
        threads.ranges(dx.count, least: Self.share) { r in
            let i = r.lowerBound
            if dx.type == .bfloat16 {
                ck_silu_backward_bf16(dx.bfloats + i, dy.bfloats + i, x.bfloats + i, r.count)
            } else {
                ck_silu_backward(dx.floats + i, dy.floats + i, x.floats + i, r.count)
            }
        }
    }

    public func relu(_ y: Tensor, _ x: Tensor) {
        if y.type == .bfloat16 {
            let (y, x, n) = (y.bfloats, x.bfloats, y.count)
            // A sign before a number that is one.
            threads.ranges(n, least: Self.share) { for i in $0 { y[i] = x[i] > 0x8000 && x[i] <= 0xff80 ? 0 : x[i] } }
            return
        }
        let (y, x, n) = (y.floats, x.floats, y.count)
        threads.ranges(n, least: Self.share) { ck_relu(y + $0.lowerBound, x + $0.lowerBound, $0.count) }
    }

    public func sigmoid(_ y: Tensor, _ x: Tensor) {
        let (y, x, n) = (y.floats, x.floats, y.count)
        threads.ranges(n, least: Self.share) { ck_sigmoid(y + $0.lowerBound, x + $0.lowerBound, $0.count) }
    }

    public func geglu(_ y: Tensor, _ x: Tensor, rows: Int, width: Int) {
        threads.ranges(rows, least: max(1, Self.share / max(width, 1))) { r in
            let i = r.lowerBound * width
            if y.type == .bfloat16 {
                ck_geglu_bf16(y.bfloats + i, x.bfloats + 2 * i, r.count, width)
            } else {
                ck_geglu(y.floats + i, x.floats + 2 * i, r.count, width)
            }
        }
    }

    public func gegluBackward(_ dx: Tensor, _ dy: Tensor, _ x: Tensor, rows: Int, width: Int) {
        threads.ranges(rows, least: max(1, Self.share / max(width, 1))) { r in
            let i = r.lowerBound * width
            if dx.type == .bfloat16 {
                ck_geglu_backward_bf16(dx.bfloats + 2 * i, dy.bfloats + i, x.bfloats + 2 * i, r.count, width)
            } else {
                ck_geglu_backward(dx.floats + 2 * i, dy.floats + i, x.floats + 2 * i, r.count, width)
            }
        }
    }

    /// y[i] = f(x[i]) by the kernel of the tensors' type.
    private func map(
        _ y: Tensor, _ x: Tensor, _ kernel: (UnsafeMutablePointer<Float>, UnsafePointer<Float>, Int) -> Void,
        _ bfloat: (UnsafeMutablePointer<UInt16>, UnsafePointer<UInt16>, Int) -> Void
    ) {
        threads.ranges(y.count, least: Self.share) { r in
            let i = r.lowerBound
            if y.type == .bfloat16 { bfloat(y.bfloats + i, x.bfloats + i, r.count) } else { kernel(y.floats + i, x.floats + i, r.count) }
        }
    }
}
