@testable import Tensors
import Testing

@Suite struct RandomStreamTests {
    /// `philox4x32 10` of Random123's kat_vectors.
    @Test func knownAnswers() {
        typealias Four = (UInt32, UInt32, UInt32, UInt32)
        let vectors: [(Four, (UInt32, UInt32), Four)] = [
            ((0, 0, 0, 0), (0, 0), (0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8)),
            ((.max, .max, .max, .max), (.max, .max), (0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd)),
            ((0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344), (0xa409_3822, 0x299f_31d0), (0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1)),
        ]
        for (counter, key, answer) in vectors { #expect(RandomStream.philox(counter, key) == answer) }
    }

    @Test func everyCoordinateGivesAnotherStreamAndTheSameOneAgain() {
        func first(_ seed: UInt64, _ purpose: RandomPurpose, _ step: Int, _ index: Int) -> [UInt32] {
            var stream = RandomStream(seed: seed, purpose: purpose, step: step, index: index)
            return (0..<9).map { _ in stream.next32() }
        }
        var all: [[UInt32]] = []
        for seed: UInt64 in [0, 1, 1 << 32, .max] {
            for purpose in [RandomPurpose.noise, .timestep] {
                for step in [0, 1, Int(UInt32.max)] { for index in [0, 1, 2] { all.append(first(seed, purpose, step, index)) } }
            }
        }
        #expect(Set(all).count == 72)
        #expect(Set(all.flatMap { $0 }).count == 72 * 9)
        #expect(first(7, .noise, 3, 2) == first(7, .noise, 3, 2))
    }

    /// The stream is the counter's blocks one after the other, whatever sizes are asked for.
    @Test func wordsComeInOrder() {
        var stream = RandomStream(seed: 0x299f_31d0_a409_3822, purpose: .crop, step: 5, index: 6), long = stream
        let wanted = (0..<3).flatMap { block -> [UInt32] in
            let b = RandomStream.philox((UInt32(block), 6, 5, RandomPurpose.crop.rawValue), (0xa409_3822, 0x299f_31d0))
            return [b.0, b.1, b.2, b.3]
        }
        #expect((0..<12).map { _ in stream.next32() } == wanted)
        #expect(long.next() == UInt64(wanted[0]) | UInt64(wanted[1]) << 32)
        #expect(long.next32() == wanted[2])
    }

    @Test func uniformNumbersFillTheirRange() {
        var stream = RandomStream(seed: 1, purpose: .drawing)
        let draws = (0..<20_000).map { _ in stream.uniform() }
        #expect(draws.allSatisfy { $0 >= 0 && $0 < 1 })
        for tenth in 0..<10 { #expect(abs(draws.count { Int($0 * 10) == tenth } - 2000) < 200) }
        let wide = (0..<2000).map { _ in stream.uniform(-3, 5) }
        #expect(wide.min()! >= -3 && wide.min()! < -2.9 && wide.max()! < 5 && wide.max()! > 4.9)
        var counts = [Int: Int]()
        for _ in 0..<6000 { counts[stream.integer(in: -1...1), default: 0] += 1 }
        #expect(counts.keys.sorted() == [-1, 0, 1] && counts.values.allSatisfy { abs($0 - 2000) < 200 })
        #expect((0..<10).allSatisfy { _ in stream.integer(in: 4...4) == 4 })
        #expect(abs((0..<4000).count { _ in stream.coin() } - 2000) < 200)
    }

    @Test func normalNumbersHaveTheirMoments() {
        var stream = RandomStream(seed: 2, purpose: .noise)
        let x = stream.normals(100_001).map(Double.init)
        func moment(_ k: Int) -> Double { x.reduce(0) { sum, v in sum + (0..<k).reduce(1) { p, _ in p * v } } / Double(x.count) }
        #expect(x.allSatisfy(\.isFinite) && x.count == 100_001)
        #expect(abs(moment(1)) < 0.02 && abs(moment(2) - 1) < 0.03 && abs(moment(3)) < 0.06 && abs(moment(4) - 3) < 0.2)
        // A shorter request is the beginning of a longer one.
        var again = RandomStream(seed: 2, purpose: .noise)
        #expect(again.normals(7).map(Double.init) == Array(x[..<7]))
    }
}
