import CKernels
import Testing

/// Floats of a kernel test: never aligned to more than 4 bytes, and fenced by NaNs that a kernel must not touch.
/// A fresh buffer is all NaN, so that reading what was never written shows in the result.
final class KernelBuffer {
    let count: Int
    private let memory: UnsafeMutablePointer<Float>
    private static let fence = 17

    var pointer: UnsafeMutablePointer<Float> { memory + Self.fence }

    init(_ count: Int) {
        self.count = count
        memory = .allocate(capacity: count + 2 * Self.fence)
        memory.update(repeating: .nan, count: count + 2 * Self.fence)
    }

    /// Pseudo-random values in (−amplitude, amplitude), the same for the same seed (xorshift64).
    convenience init(_ count: Int, seed: UInt64, amplitude: Float = 1, offset: Float = 0) {
        self.init(count)
        var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
        for i in 0..<count {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            pointer[i] = (Float(state >> 40) / Float(1 << 23) - 1) * amplitude + offset
        }
    }

    convenience init(_ values: [Float]) {
        self.init(values.count)
        for (i, value) in values.enumerated() { pointer[i] = value }
    }

    deinit { memory.deallocate() }

    var isFenced: Bool {
        (0..<Self.fence).allSatisfy { memory[$0].isNaN && memory[Self.fence + count + $0].isNaN }
    }

    var values: [Float] { (0..<count).map { pointer[$0] } }
}

/// √(Σ (a − b)² / Σ b²); infinite if anything is not finite.
func relativeError(_ a: KernelBuffer, _ b: KernelBuffer) -> Double {
    precondition(a.count == b.count)
    var difference = 0.0, norm = 0.0
    for i in 0..<a.count {
        let x = Double(a.pointer[i]), y = Double(b.pointer[i])
        difference += (x - y) * (x - y)
        norm += y * y
    }
    return difference.isFinite && norm.isFinite && a.isFenced ? (difference / max(norm, 1e-30)).squareRoot() : .infinity
}

func relativeError(_ a: [Double], _ b: [Double]) -> Double {
    let difference = zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }, norm = b.reduce(0) { $0 + $1 * $1 }
    return difference.isFinite ? (difference / max(norm, 1e-30)).squareRoot() : .infinity
}

/// The instruction sets this processor has; plain C is always among them.
let availableInstructionSets: [ck_isa] = [CK_PLAIN, CK_AVX2, CK_AVX512].filter { isa in
    let original = ck_best_isa()
    defer { ck_use_isa(original) }
    return ck_use_isa(isa) != 0
}

/// Kernels that this processor cannot run go untested; among the skipped tests it is said which.
struct InstructionSetTests {
    private static func isThere(_ isa: ck_isa) -> Bool { availableInstructionSets.contains(isa) }

    @Test(.enabled(if: isThere(CK_AVX2), "kernels for AVX2 are not tested on this processor")) func avx2() { #expect(ck_best_isa().rawValue >= CK_AVX2.rawValue) }
    @Test(.enabled(if: isThere(CK_AVX512), "kernels for AVX-512 are not tested on this processor")) func avx512() { #expect(ck_best_isa().rawValue >= CK_AVX512.rawValue) }
    @Test(.enabled(if: ck_bf16_available() != 0, "products for AVX512-BF16 are not tested on this processor")) func bfloat16() { #expect(Self.isThere(CK_AVX512)) }
}

/// Runs `body` with each instruction set in turn.
func withEveryInstructionSet(_ body: (String) throws -> Void) rethrows {
    defer { ck_use_isa(ck_best_isa()) }
    for isa in availableInstructionSets {
        ck_use_isa(isa)
        try body(["plain", "AVX2", "AVX-512"][Int(isa.rawValue)])
    }
}
