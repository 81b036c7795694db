import CKernels

/// bfloat16 values of a kernel test, aligned to 2 bytes and fenced as `KernelBuffer` is. What was never written is NaN.
final class BFloat16Buffer {
    let count: Int
    private let memory: UnsafeMutablePointer<UInt16>
    private var kept: [KernelBuffer] = []
    private static let fence = 33, nan: UInt16 = 0x7fc1

    var pointer: UnsafeMutablePointer<UInt16> { memory + Self.fence }

    init(_ count: Int) {
        self.count = count
        memory = .allocate(capacity: count + 2 * Self.fence)
        memory.update(repeating: Self.nan, count: count + 2 * Self.fence)
    }

    /// The values of a `KernelBuffer` of the same seed, rounded to the nearest bfloat16.
    convenience init(_ count: Int, seed: UInt64, amplitude: Float = 1) {
        self.init(KernelBuffer(count, seed: seed, amplitude: amplitude).values)
    }

    convenience init(_ values: [Float]) {
        self.init(values.count)
        for (i, value) in values.enumerated() {
            let bits = value.bitPattern
            pointer[i] = value.isNaN ? Self.nan : UInt16(truncatingIfNeeded: (bits &+ 0x7fff &+ (bits >> 16 & 1)) >> 16)
        }
    }

    deinit { memory.deallocate() }

    var isFenced: Bool {
        (0..<Self.fence).allSatisfy { memory[$0] == Self.nan && memory[Self.fence + count + $0] == Self.nan }
    }

    var bits: [UInt16] { (0..<count).map { pointer[$0] } }

    /// The same values in float32, which live as long as this; all NaN if the fence was touched.
    var widened: KernelBuffer {
        let wide = isFenced ? KernelBuffer(bits.map { Float(bitPattern: UInt32($0) << 16) }) : KernelBuffer(count)
        kept.append(wide)
        return wide
    }
}
