import CKernels
import COpenBLAS
import Tensors

extension CPUDevice {
    /// c = alpha·op(a)·op(b) + beta·c. The larger side of c is split over the threads; a half-precision b is
    /// widened tile by tile, so that no widened copy of it is ever whole in memory.
    public func multiply(
        _ c: Tensor, _ a: Tensor, transposed aT: Bool, _ b: Tensor, transposed bT: Bool, bias: Tensor?,
        m: Int, n: Int, k: Int, alpha: Float, beta: Float
    ) {
        guard m > 0, n > 0 else { return }
        precondition(c.count == m * n && a.count == m * k && b.count == k * n, "multiply: \(c.shape) = \(a.shape)·\(b.shape)")
        if a.type == .bfloat16 {
            precondition(alpha == 1 && (beta == 0 || beta == 1), "multiply: alpha \(alpha), beta \(beta) in bfloat16")
            multiplyBFloat16(c, a, aT, b, bT, bias, m: m, n: n, k: k, accumulate: beta == 1)
            return
        }
        multiplyFloat(c, a, aT, b, bT, m: m, n: n, k: k, alpha: alpha, beta: beta)
        if let bias { addRow(c, c, bias, rows: m, width: n) }
    }

    private func multiplyFloat(
        _ c: Tensor, _ a: Tensor, _ aT: Bool, _ b: Tensor, _ bT: Bool, m: Int, n: Int, k: Int, alpha: Float, beta: Float
    ) {
        if b.type != .float32 {
            multiplyHalf(c.floats, a.floats, aT, b, bT, m: m, n: n, k: k, alpha: alpha, beta: beta)
            return
        }
        let product = Product(
            c: c.floats, a: UnsafePointer(a.floats), b: UnsafePointer(b.floats), aT: aT, bT: bT,
            lda: aT ? m : k, ldb: bT ? k : n, ldc: n, alpha: alpha)
        // Below a million multiplications a second thread costs more than it brings.
        let parts = m * n * k < 1 << 20 ? 1 : threads.count
        // Bounds at multiples of 16 keep every part on the micro-kernel's grid.
        let side = m >= n ? m : n
        threads.run(parts) { part in
            let low = bound(side, part, parts), high = bound(side, part + 1, parts)
            guard low < high else { return }
            if m >= n {
                product.run(rows: low..<high, columns: 0..<n, depth: 0..<k, beta: beta)
            } else {
                product.run(rows: 0..<m, columns: low..<high, depth: 0..<k, beta: beta)
            }
        }
    }

    /// The bound between two of `parts` pieces of one side of a product, on the micro-kernel's grid.
    func bound(_ side: Int, _ part: Int, _ parts: Int) -> Int {
        part == parts ? side : side * part / parts / 16 * 16
    }

    private func multiplyHalf(
        _ c: UnsafeMutablePointer<Float>, _ a: UnsafeMutablePointer<Float>, _ aT: Bool, _ b: Tensor, _ bT: Bool,
        m: Int, n: Int, k: Int, alpha: Float, beta: Float
    ) {
        // b transposed is [n, k]: a tile is some of its rows, so some columns of c.
        // b as it is is [k, n]: a tile is some of its rows, so a slice of the sum.
        let tile = bT ? min(n, 192) : min(k, 192)
        if bT {
            threads.run((n + tile - 1) / tile, scratch: tile * k) { task, wide in
                let first = task * tile, count = min(tile, n - first)
                widen(wide, b, from: first * k, count: count * k)
                let product = Product(
                    c: c + first, a: UnsafePointer(a), b: UnsafePointer(wide), aT: aT, bT: true,
                    lda: aT ? m : k, ldb: k, ldc: n, alpha: alpha)
                product.run(rows: 0..<m, columns: 0..<count, depth: 0..<k, beta: beta)
            }
        } else {
            let parts = m * n * k < 1 << 20 ? 1 : min(threads.count, max(1, n / 16))
            threads.run(parts, scratch: tile * ((n + parts - 1) / parts + 16)) { part, wide in
                let low = bound(n, part, parts), width = bound(n, part + 1, parts) - low
                guard width > 0 else { return }
                var first = 0
                while first < k {
                    let count = min(tile, k - first)
                    for row in 0..<count { widen(wide + row * width, b, from: (first + row) * n + low, count: width) }
                    let product = Product(
                        c: c + low, a: UnsafePointer(aT ? a + first * m : a + first), b: UnsafePointer(wide), aT: aT, bT: false,
                        lda: aT ? m : k, ldb: width, ldc: n, alpha: alpha)
                    product.run(rows: 0..<m, columns: 0..<width, depth: 0..<count, beta: first == 0 ? beta : 1)
                    first += count
                }
            }
        }
    }

    public func addRow(_ y: Tensor, _ x: Tensor, _ bias: Tensor, rows: Int, width: Int) {
        threads.ranges(rows, least: max(1, (1 << 15) / max(width, 1))) { r in
            let i = r.lowerBound * width
            if y.type == .bfloat16 {
                ck_add_row_bf16(y.bfloats + i, x.bfloats + i, bias.floats, r.count, width)
            } else {
                ck_add_row(y.floats + i, x.floats + i, bias.floats, r.count, width)
            }
        }
    }

    public func gatherRows(_ y: Tensor, _ table: Tensor, ids: [Int], width: Int) {
        for (i, id) in ids.enumerated() { widen(y.floats + i * width, table, from: id * width, count: width) }
    }
}

/// One matrix product; parts of it are independent calls of OpenBLAS.
private struct Product {
    let c: UnsafeMutablePointer<Float>
    let a, b: UnsafePointer<Float>
    let aT, bT: Bool
    let lda, ldb, ldc: Int
    let alpha: Float

    func run(rows: Range<Int>, columns: Range<Int>, depth: Range<Int>, beta: Float) {
        let aStart = aT ? a + rows.lowerBound : a + rows.lowerBound * lda
        let bStart = bT ? b + columns.lowerBound * ldb : b + columns.lowerBound
        cblas_sgemm(
            CblasRowMajor, aT ? CblasTrans : CblasNoTrans, bT ? CblasTrans : CblasNoTrans,
            blasint(rows.count), blasint(columns.count), blasint(depth.count), alpha, aStart, blasint(lda),
            bStart, blasint(ldb), beta, c + rows.lowerBound * ldc + columns.lowerBound, blasint(ldc))
    }
}
