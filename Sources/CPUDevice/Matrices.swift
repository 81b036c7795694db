import CKernels
import COpenBLAS
import Tensors

extension CPUDevice {
    /// c = alpha·op(a)·op(b) + beta·c + bias. No widened copy of a half-precision factor is ever whole in memory, but for the thin
    /// products whose a is transposed.
    public func multiply(
        _ c: Tensor, _ a: Tensor, transposed aT: Bool, _ b: Tensor, transposed bT: Bool, bias: Tensor?,
        m: Int, n: Int, k: Int, alpha: Float, beta: Float
    ) {
        guard m > 0, n > 0 else { return }
        precondition(c.count == m * n && a.count == m * k && b.count == k * n, "multiply: \(c.shape) = \(a.shape)·\(b.shape)")
        if a.type == .bfloat16 {
            precondition(alpha == 1 && (beta == 0 || beta == 1), "multiply: alpha \(alpha), beta \(beta) in bfloat16")
            if multipliesBFloat16 { return multiplyBFloat16(c, a, aT, b, bT, bias, m: m, n: n, k: k, accumulate: beta == 1) }
            if aT {
                precondition(c.type == .float32, "multiply: \(a.shape) transposed to \(c.type)")
                return multiplyFloat(c, wide(a), aT, wide(b), bT, bias, m: m, n: n, k: k, alpha: alpha, beta: beta)
            }
        }
        multiplyFloat(c, a, aT, b, bT, bias, m: m, n: n, k: k, alpha: alpha, beta: beta)
    }

    /// Sums in float32. Our own kernel takes b as the file has it, and rows of either type; its rows do not depend on one another.
    /// OpenBLAS takes what has few columns, a short sum or a transposed first factor: the products with the factors of a LoRA, and
    /// their gradients.
    private func multiplyFloat(
        _ c: Tensor, _ a: Tensor, _ aT: Bool, _ b: Tensor, _ bT: Bool, _ bias: Tensor?, m: Int, n: Int, k: Int, alpha: Float, beta: Float
    ) {
        guard aT || b.type == .float32 && min(n, k) < 64 else {
            var product = ck_product()
            (product.c, product.a, product.b) = (c.storage.pointer, UnsafeRawPointer(a.storage.pointer), UnsafeRawPointer(b.storage.pointer))
            (product.c_type, product.a_type, product.b_type) = (ck_element(c.type), ck_element(a.type), ck_element(b.type))
            (product.b_transposed, product.bias) = (bT ? 1 : 0, bias.map { UnsafePointer($0.floats) })
            (product.m, product.n, product.k, product.lda, product.ldb, product.ldc) = (m, n, k, k, bT ? k : n, n)
            (product.alpha, product.beta) = (alpha, beta)
            multiply(product)
            return
        }
        precondition(a.type == .float32 && b.type == .float32, "multiply: \(a.type) \(a.shape), transposed: \(aT), by \(b.type)")
        let product = ThinProduct(
            c: c.floats, a: UnsafePointer(a.floats), b: UnsafePointer(b.floats), aT: aT, bT: bT,
            lda: aT ? m : k, ldb: bT ? k : n, ldc: n, k: k, alpha: alpha, beta: beta)
        // Parts of a fixed size, since OpenBLAS sums in another order where a product has other sides: the number of threads changes no
        // bit. Below a million multiplications a second thread costs more than it brings.
        let work = m * n * k, parts = work < 1 << 20 ? 1 : 2 * max(1, min(32, work >> 23))
        let side = m >= n ? m : n
        threads.run(parts) { part in
            let low = bound(side, part, parts), high = bound(side, part + 1, parts)
            guard low < high else { return }
            product.run(rows: m >= n ? low..<high : 0..<m, columns: m >= n ? 0..<n : low..<high)
        }
        if let bias { addRow(c, c, bias, rows: m, width: n) }
    }

    /// Rows of a are packed once, by all threads; then each piece of c packs its columns of b, so the columns are what is split, and
    /// rows only where columns do not suffice.
    private func multiply(_ whole: ck_product) {
        let work = whole.m * whole.n * whole.k
        let pieces = work < 1 << 20 ? 1 : max(threads.count, min(2 * threads.count, work >> 27))
        // 16 MiB of packed rows at a time, but 512 rows at least: b is packed anew for each group.
        let rowsAtOnce = max(512, (1 << 22) / whole.k), groups = (whole.m + rowsAtOnce - 1) / rowsAtOnce
        for group in 0..<groups {
            var product = whole
            let first = whole.m * group / groups
            product.m = whole.m * (group + 1) / groups - first
            product.c += first * whole.ldc * whole.c_type.byteCount
            product.a += first * whole.lda * whole.a_type.byteCount
            multiply(product, pieces: pieces)
        }
    }

    private func multiply(_ product: ck_product, pieces: Int) {
        var product = product
        let blocks = ck_matmul_blocks(product.m), units = ck_matmul_units(product.m, product.k)
        let columns = min(pieces, max(1, product.n / 48)), rows = min(blocks, (pieces + columns - 1) / columns)
        let scratch = ck_matmul_scratch(&product, (blocks + rows - 1) / rows)
        threads.withScratch(ck_matmul_packed(product.m, product.k)) { packed in
            let packers = min(units, pieces)
            threads.run(packers) { [product] part in
                var product = product
                for unit in units * part / packers..<units * (part + 1) / packers { ck_matmul_pack(packed, &product, unit) }
            }
            threads.run(rows * columns, scratch: scratch) { [product] piece, memory in
                let (i, j) = (piece / columns, piece % columns), column = bound(product.n, j, columns)
                var part = product
                part.n = bound(product.n, j + 1, columns) - column
                guard part.n > 0 else { return }
                part.c += column * part.c_type.byteCount
                part.b += (product.b_transposed != 0 ? column * product.ldb : column) * part.b_type.byteCount
                part.bias = product.bias.map { $0 + column }
                ck_matmul(&part, packed, blocks * i / rows, blocks * (i + 1) / rows, memory)
            }
        }
    }

    /// The bound between two of `parts` pieces of one side of a product, on the micro-kernel's grid.
    func bound(_ side: Int, _ part: Int, _ parts: Int) -> Int {
        part == parts ? side : side * part / parts / 16 * 16
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

/// A product of OpenBLAS's; parts of it are independent calls.
private struct ThinProduct {
    let c: UnsafeMutablePointer<Float>
    let a, b: UnsafePointer<Float>
    let aT, bT: Bool
    let lda, ldb, ldc: Int
    let k: Int
    let alpha, beta: Float

    func run(rows: Range<Int>, columns: Range<Int>) {
        cblas_sgemm(
            CblasRowMajor, aT ? CblasTrans : CblasNoTrans, bT ? CblasTrans : CblasNoTrans,
            blasint(rows.count), blasint(columns.count), blasint(k), alpha, aT ? a + rows.lowerBound : a + rows.lowerBound * lda, blasint(lda),
            bT ? b + columns.lowerBound * ldb : b + columns.lowerBound, blasint(ldb), beta,
            c + rows.lowerBound * ldc + columns.lowerBound, blasint(ldc))
    }
}
