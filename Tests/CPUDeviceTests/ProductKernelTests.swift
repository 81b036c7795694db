import CKernels
import Testing

/// The matrix product of float32 or bfloat16 rows with a matrix of any type, with every instruction set, against its plain-C twin.
@Suite(.serialized) struct ProductKernelTests {
    struct Case: CustomStringConvertible, Sendable {
        var m, n, k: Int
        var description: String { "\(m)×\(n)×\(k)" }
    }

    /// Sides that fill no vector, tile, panel or pass; more rows, columns and depth than are packed at once.
    static let cases: [Case] = [
        .init(m: 2, n: 3, k: 1), .init(m: 2, n: 33, k: 7), .init(m: 5, n: 77, k: 129), .init(m: 13, n: 31, k: 5), .init(m: 6, n: 16, k: 8),
        .init(m: 12, n: 32, k: 64), .init(m: 77, n: 130, k: 800), .init(m: 49, n: 95, k: 385), .init(m: 2060, n: 17, k: 20),
        .init(m: 31, n: 200, k: 66), .init(m: 270, n: 35, k: 400), .init(m: 100, n: 96, k: 384), .init(m: 7, n: 9, k: 1153),
    ]
    private static let types = [CK_FLOAT32, CK_FLOAT16, CK_BFLOAT16]

    @Test(arguments: cases, [(CK_FLOAT32, CK_FLOAT32), (CK_BFLOAT16, CK_BFLOAT16), (CK_BFLOAT16, CK_FLOAT32), (CK_FLOAT32, CK_BFLOAT16)])
    func product(_ c: Case, _ types: (a: ck_element, c: ck_element)) {
        for variant in 0..<24 {
            let (bT, type) = (variant & 1, Self.types[variant / 2 % 3])
            let (alpha, beta) = [(1, 0), (1, 1), (0.75, 0), (-2, 0.5)][variant / 6] as (Float, Float)
            let extra = variant % 4 * 5   // columns beside the matrix, which no one may touch
            let lda = c.k + extra, ldb = (bT == 1 ? c.k : c.n) + extra, ldc = c.n + extra
            let a = Matrix(c.m * lda, seed: 1, type: types.a), b = Matrix((bT == 1 ? c.n : c.k) * ldb, seed: 2, type: type)
            let bias = variant % 5 < 3 ? KernelBuffer(c.n, seed: 3, amplitude: 2) : nil
            let before = KernelBuffer(Matrix(c.m * ldc, seed: 4, type: types.c).wide.values), expected = KernelBuffer(before.values)
            if beta == 0 {
                // Nothing of what was there may be read.
                for row in 0..<c.m { for column in 0..<c.n { before.pointer[row * ldc + column] = .nan } }
            }
            ck_matmul_reference(
                expected.pointer, a.wide.pointer, b.wide.pointer, bias?.pointer, Int32(bT), c.m, c.n, c.k, lda, ldb, ldc, alpha, beta)
            withEveryInstructionSet { name in
                let y = Matrix(before, type: types.c)
                let packed = KernelBuffer(ck_matmul_packed(c.m, c.k))
                /// Rows as a product of their own, its blocks in two calls, its units packed from the last to the first.
                func run(rows: Range<Int>, columns: Range<Int>) {
                    var product = ck_product(
                        c: y.pointer + (rows.lowerBound * ldc + columns.lowerBound) * y.elementSize, a: a.pointer + rows.lowerBound * lda * a.elementSize,
                        b: b.pointer + (bT == 1 ? columns.lowerBound * ldb : columns.lowerBound) * b.elementSize,
                        c_type: types.c, a_type: types.a, b_type: type, b_transposed: Int32(bT), bias: bias.map { UnsafePointer($0.pointer + columns.lowerBound) }, m: rows.count,
                        n: columns.count, k: c.k, lda: lda, ldb: ldb, ldc: ldc, alpha: alpha, beta: beta)
                    for unit in (0..<ck_matmul_units(product.m, product.k)).reversed() { ck_matmul_pack(packed.pointer, &product, unit) }
                    let blocks = ck_matmul_blocks(product.m)
                    for part in [blocks / 2..<blocks, 0..<blocks / 2] {
                        let scratch = KernelBuffer(ck_matmul_scratch(&product, part.count))
                        ck_matmul(&product, packed.pointer, part.lowerBound, part.upperBound, scratch.pointer)
                        #expect(scratch.isFenced, "\(name), variant \(variant)")
                    }
                }
                run(rows: 0..<c.m, columns: 0..<c.n)
                let whole = y.values
                #expect(relativeError(KernelBuffer(whole), expected) < (types.c == CK_FLOAT32 ? 1e-6 : 3e-3), "\(name), variant \(variant)")
                let untouched = (0..<c.m).allSatisfy { row in (c.n..<ldc).allSatisfy { whole[row * ldc + $0] == before.pointer[row * ldc + $0] } }
                #expect(untouched && packed.isFenced && y.isFenced, "\(name), variant \(variant)")

                // Cut anywhere, every bit is the same.
                y.set(before)
                let (row, column) = (c.m * 2 / 3, c.n / 3)
                for rows in [0..<row, row..<c.m] where !rows.isEmpty {
                    for columns in [0..<column, column..<c.n] where !columns.isEmpty { run(rows: rows, columns: columns) }
                }
                #expect(zip(y.values, whole).allSatisfy { $0.bitPattern == $1.bitPattern }, "\(name), variant \(variant)")
            }
        }
    }

    /// A matrix of a type, and the same numbers in float32.
    private final class Matrix {
        let wide: KernelBuffer, type: ck_element
        private let halves: BFloat16Buffer?
        var elementSize: Int { type == CK_FLOAT32 ? 4 : 2 }
        var pointer: UnsafeMutableRawPointer { halves.map { UnsafeMutableRawPointer($0.pointer) } ?? UnsafeMutableRawPointer(wide.pointer) }
        var isFenced: Bool { halves?.isFenced ?? wide.isFenced }

        init(_ numbers: KernelBuffer, type: ck_element) {
            (wide, self.type) = (KernelBuffer(numbers.values), type)
            halves = type == CK_FLOAT32 ? nil : BFloat16Buffer(numbers.values)
            set(numbers)
        }

        convenience init(_ count: Int, seed: UInt64, type: ck_element) { self.init(KernelBuffer(count, seed: seed), type: type) }

        /// The numbers, rounded to the type.
        func set(_ numbers: KernelBuffer) {
            for i in 0..<wide.count { wide.pointer[i] = numbers.pointer[i] }
            guard let halves else { return }
            if type == CK_FLOAT16 {
                for i in 0..<wide.count { halves.pointer[i] = Float16(numbers.pointer[i]).bitPattern }
            } else {
                ck_narrow_bf16(halves.pointer, numbers.pointer, 1, wide.count)
            }
            widen()
        }

        /// What is there now.
        var values: [Float] {
            widen()
            return wide.values
        }

        private func widen() {
            guard let halves else { return }
            (type == CK_FLOAT16 ? ck_widen_f16 : ck_widen_bf16)(wide.pointer, halves.pointer, wide.count)
        }
    }
}
