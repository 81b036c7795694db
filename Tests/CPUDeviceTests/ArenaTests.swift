@testable import CPUDevice
import Foundation
import Testing

@Suite(.serialized) struct ArenaTests {
    /// From here on blocks come from the region.
    private static let large = 32 << 10

    @Test func theLowestRoomIsUsedAndJoinedAgain() {
        let arena = Arena()
        let a = arena.allocate(Self.large), b = arena.allocate(2 * Self.large), c = arena.allocate(Self.large)
        #expect(b - a == Self.large && c - b == 2 * Self.large)
        #expect(arena.live == 4 * Self.large && arena.peak == arena.live)
        // A hole is used by what fits, and not by what does not.
        arena.free(b, 2 * Self.large)
        let d = arena.allocate(3 * Self.large), e = arena.allocate(Self.large)
        #expect(d == c + Self.large && e == b)
        // Neighbours on both sides join, in any order of freeing.
        arena.free(a, Self.large)
        arena.free(c, Self.large)
        arena.free(e, Self.large)
        let f = arena.allocate(4 * Self.large)
        #expect(f == a)
        arena.free(d, 3 * Self.large)
        arena.free(f, 4 * Self.large)
        #expect(arena.live == 0)
        let g = arena.allocate(100 * Self.large)
        #expect(g == a)
        arena.free(g, 100 * Self.large)
        #expect(arena.peak == 100 * Self.large)
        arena.resetPeak()
        #expect(arena.peak == 0)
    }

    @Test func sizesAroundTheBoundaries() {
        let arena = Arena()
        for size in [0, 1, 63, 64, 65, Self.large - 1, Self.large, Self.large + 1, Self.large + 4096] {
            let p = arena.allocate(size), q = arena.allocate(size)
            #expect(UInt(bitPattern: p) % 64 == 0 && UInt(bitPattern: q) % 64 == 0)
            #expect(abs(q - p) >= size)
            memset(p, 1, size)
            memset(q, 2, size)
            if size > 0 { #expect(p.load(fromByteOffset: size - 1, as: UInt8.self) == 1) }
            arena.free(p, size)
            arena.free(q, size)
        }
        #expect(arena.live == 0)
    }

    /// Thousands of blocks come and go; each keeps the byte it was filled with, so none overlaps another.
    @Test func randomTrafficNeverOverlaps() {
        let arena = Arena()
        var generator = Linear(state: 42)
        var blocks: [(pointer: UnsafeMutableRawPointer, size: Int, mark: UInt8)] = []
        for turn in 0..<6000 {
            if blocks.count > 40 || (!blocks.isEmpty && generator.next() % 5 < 2) {
                let (pointer, size, mark) = blocks.remove(at: Int(generator.next() % UInt64(blocks.count)))
                // Both ends and what lies between at page distance.
                for at in Array(stride(from: 0, to: size, by: 4096)) + [size - 1] {
                    #expect(pointer.load(fromByteOffset: at, as: UInt8.self) == mark)
                }
                arena.free(pointer, size)
            } else {
                let size = 1 + Int(generator.next() % UInt64(generator.next() % 3 == 0 ? 400_000 : 40_000))
                let pointer = arena.allocate(size), mark = UInt8(truncatingIfNeeded: turn)
                memset(pointer, Int32(mark), size)
                blocks.append((pointer, size, mark))
            }
            if turn % 500 == 0 {
                // What is trimmed is free memory only.
                arena.trim()
                let ranges = blocks.map { (UInt(bitPattern: $0.pointer), UInt(bitPattern: $0.pointer) + UInt($0.size)) }.sorted { $0.0 < $1.0 }
                #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.1 <= $1.0 })
                let live = blocks.reduce(0) { sum, b in
                    let unit = b.size < Self.large ? 64 : 4096
                    return sum + (b.size + unit - 1) / unit * unit
                }
                #expect(arena.live == live)
            }
        }
        for block in blocks { arena.free(block.pointer, block.size) }
        #expect(arena.live == 0)
        // All holes have closed: one block starts where the first one did.
        let whole = arena.allocate(64 << 20), again = { arena.free(whole, 64 << 20); return arena.allocate(Self.large) }()
        #expect(whole == again)
        arena.free(again, Self.large)
    }

    /// Knuth's linear congruential generator: the same traffic every time.
    private struct Linear {
        var state: UInt64

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 33
        }
    }
}
