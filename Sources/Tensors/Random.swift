import Foundation

/// What a random draw is for. The raw values are part of every seeded result: never renumber one.
public enum RandomPurpose: UInt32, Sendable {
    case photoOrder = 1, priorOrder = 2, caption = 3, collage = 4, priorCollage = 5, crop = 6, priorCrop = 7
    case timestep = 8, noise = 9, posterior = 10, adapter = 11, renderNoise = 12, sampler = 13, weights = 14
    case drawing = 15, composition = 16, segmixChoice = 17, pooledCrop = 18, pooledCollage = 19, priorSeed = 25
}

/// Random numbers as a pure function of (seed, purpose, step, index): Philox 4×32-10, counter-based
/// (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011). A resumed run draws what the
/// run that was never stopped would have drawn, with no state to save.
public struct RandomStream: RandomNumberGenerator, Sendable {
    private let key: (UInt32, UInt32)
    private var counter: (UInt32, UInt32, UInt32, UInt32)
    private var block: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
    private var used = 4

    /// `step` and `index` are below 2³².
    public init(seed: UInt64, purpose: RandomPurpose, step: Int = 0, index: Int = 0) {
        precondition(step >= 0 && step <= Int(UInt32.max) && index >= 0 && index <= Int(UInt32.max),
                     "RandomStream: step \(step), index \(index)")
        key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        counter = (0, UInt32(index), UInt32(step), purpose.rawValue)
    }

    public mutating func next32() -> UInt32 {
        if used == 4 {
            block = Self.philox(counter, key)
            counter.0 &+= 1
            precondition(counter.0 != 0, "RandomStream: exhausted")
            used = 0
        }
        defer { used += 1 }
        return switch used {
        case 0: block.0
        case 1: block.1
        case 2: block.2
        default: block.3
        }
    }

    public mutating func next() -> UInt64 {
        let low = UInt64(next32())
        return low | UInt64(next32()) << 32
    }

    /// Uniform on [0, 1), 53 bits.
    public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Uniform on [low, high).
    public mutating func uniform(_ low: Double, _ high: Double) -> Double { low + (high - low) * uniform() }

    /// Uniform on the whole numbers low…high, both included, without bias.
    public mutating func integer(in range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

    public mutating func coin() -> Bool { next32() & 1 == 1 }

    /// `count` draws from N(0, 1), Box-Muller in double precision.
    public mutating func normals(_ count: Int) -> [Float] {
        var out = [Float](repeating: 0, count: count)
        var i = 0
        while i < count {
            let radius = (-2 * log(1 - uniform())).squareRoot(), angle = 2 * Double.pi * uniform()
            out[i] = Float(radius * cos(angle))
            if i + 1 < count { out[i + 1] = Float(radius * sin(angle)) }
            i += 2
        }
        return out
    }

    static func philox(
        _ start: (UInt32, UInt32, UInt32, UInt32), _ startKey: (UInt32, UInt32)
    ) -> (UInt32, UInt32, UInt32, UInt32) {
        var c = start, k = startKey
        for _ in 0..<10 {
            let p0 = UInt64(0xD251_1F53) &* UInt64(c.0), p1 = UInt64(0xCD9E_8D57) &* UInt64(c.2)
            c = (UInt32(p1 >> 32) ^ c.1 ^ k.0, UInt32(truncatingIfNeeded: p1),
                 UInt32(p0 >> 32) ^ c.3 ^ k.1, UInt32(truncatingIfNeeded: p0))
            k = (k.0 &+ 0x9E37_79B9, k.1 &+ 0xBB67_AE85)
        }
        return c
    }
}
