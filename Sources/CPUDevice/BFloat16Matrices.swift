import CKernels
import Tensors

extension CPUDevice {
    /// c = op(a)·op(b) + bias (+ c), a and b bfloat16, c bfloat16 or float32. The larger side of c is split over the threads.
    func multiplyBFloat16(
        _ c: Tensor, _ a: Tensor, _ aT: Bool, _ b: Tensor, _ bT: Bool, _ bias: Tensor?, m: Int, n: Int, k: Int, accumulate: Bool
    ) {
        let c = Output(c), a = UnsafePointer(a.bfloats), b = UnsafePointer(b.bfloats), bias = bias.map { UnsafePointer($0.floats) }
        // Below a million multiplications a second thread costs more than it brings.
        let parts = m * n * k < 1 << 20 ? 1 : threads.count, side = m >= n ? m : n
        threads.run(parts) { part in
            let low = bound(side, part, parts), high = bound(side, part + 1, parts)
            guard low < high else { return }
            let rows = m >= n ? low..<high : 0..<m, columns = m >= n ? 0..<n : low..<high
            let status = ck_bf16_matmul(
                c.pointer + (rows.lowerBound * n + columns.lowerBound) * c.elementSize, c.isFloat,
                aT ? a + rows.lowerBound : a + rows.lowerBound * k, bT ? b + columns.lowerBound * k : b + columns.lowerBound,
                bias.map { $0 + columns.lowerBound }, aT ? 1 : 0, bT ? 1 : 0,
                Int64(rows.count), Int64(columns.count), Int64(k), Int64(aT ? m : k), Int64(bT ? k : n), Int64(n), accumulate ? 1 : 0)
            precondition(status == 0, "ck_bf16_matmul: status \(status) for \(rows.count)×\(columns.count)×\(k), transposed \(aT) \(bT)")
        }
    }

    /// Where a product goes.
    private struct Output: @unchecked Sendable {
        let pointer: UnsafeMutableRawPointer
        let isFloat: Int32, elementSize: Int

        init(_ c: Tensor) {
            precondition(c.type != .float16, "multiply: nothing is made of float16")
            (pointer, isFloat, elementSize) = (c.storage.pointer, c.type == .float32 ? 1 : 0, c.type.byteCount)
        }
    }
}
