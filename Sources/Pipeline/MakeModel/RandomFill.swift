import Dispatch
import Tensors
import Weights

/// Hands out the bytes of random tensors in pieces, made by several threads: a pure function of the seed and the place.
///
/// A number is the standardised sum of four 16-bit uniforms (Irwin-Hall, close to normal, within ±3.47 deviations) out of
/// one 64-bit hash (splitmix64; Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
struct RandomFill {
    let seed: UInt64
    let type: ElementType

    /// Values with one key; a chunk's key comes from (seed, weights, tensor, chunk).
    private static let chunk = 1 << 16
    private static let piece = 32 * chunk

    /// The `count` values of tensor number `tensor`, in file order. `rowLength` counts the values of one row.
    func write(
        _ weights: InitialWeights, count: Int, rowLength: Int, tensor: Int, to sink: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: min(count, Self.piece) * type.byteCount, alignment: 64)
        defer { buffer.deallocate() }
        for start in stride(from: 0, to: count, by: Self.piece) {
            let length = min(Self.piece, count - start)
            let chunks = (length + Self.chunk - 1) / Self.chunk
            nonisolated(unsafe) let out = buffer.baseAddress!
            let fill = { @Sendable (i: Int) in
                let first = i * Self.chunk
                let size = min(Self.chunk, length - first)
                withUnsafeTemporaryAllocation(of: Float.self, capacity: size) { values in
                    self.fill(values, weights, at: start + first, rowLength: rowLength, tensor: tensor)
                    store(values, to: out + first * type.byteCount)
                }
            }
            if chunks == 1 { fill(0) } else { DispatchQueue.concurrentPerform(iterations: chunks, execute: fill) }
            try sink(UnsafeRawBufferPointer(start: out, count: length * type.byteCount))
        }
    }

    private func fill(_ out: UnsafeMutableBufferPointer<Float>, _ weights: InitialWeights, at start: Int, rowLength: Int, tensor: Int) {
        switch weights {
        case .constant(let value): out.initialize(repeating: value)
        case .normal(let deviation, let leadingRows, let leadingGain):
            var stream = RandomStream(seed: seed, purpose: .weights, step: tensor, index: start / Self.chunk)
            let key = stream.next()
            // A uniform of 2¹⁶ values has the variance (2³² − 1)/12; the sum of four a third of 2³² − 1.
            let scale = deviation * Float((3.0 / 4_294_967_295.0).squareRoot())
            for i in out.indices { out.initializeElement(at: i, to: Float(Self.centredSum(key, UInt64(i))) * scale) }
            let leading = min(max(leadingRows * rowLength - start, 0), out.count)
            for i in 0..<leading { out[i] *= leadingGain }
        }
    }

    /// Sum of four 16-bit uniforms less its mean.
    @inline(__always)
    private static func centredSum(_ key: UInt64, _ i: UInt64) -> Int32 {
        var z = key &+ (i &+ 1) &* 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        z ^= z >> 31
        return Int32(truncatingIfNeeded: (z & 0xFFFF) + (z >> 16 & 0xFFFF) + (z >> 32 & 0xFFFF) + (z >> 48)) - 131_070
    }

    private func store(_ values: UnsafeMutableBufferPointer<Float>, to out: UnsafeMutableRawPointer) {
        switch type {
        case .float32: out.copyMemory(from: values.baseAddress!, byteCount: 4 * values.count)
        case .float16:
            let halves = out.bindMemory(to: UInt16.self, capacity: values.count)
            for i in values.indices { halves[i] = Float16(values[i]).bitPattern }
        case .bfloat16:
            let halves = out.bindMemory(to: UInt16.self, capacity: values.count)
            // Round to nearest, ties to even; there are no NaNs here.
            for i in values.indices {
                let bits = values[i].bitPattern
                halves[i] = UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
            }
        }
    }
}
