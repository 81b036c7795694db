import CPUDevice
import Images
import Testing

@testable import Vision

/// Masks as text: `#` is the subject.
func drawnMask(_ rows: String...) -> BinaryMask {
    BinaryMask(width: rows[0].count, height: rows.count, bits: rows.joined().map { $0 == "#" ? 1 : 0 })
}

func drawn(_ mask: BinaryMask) -> [String] {
    (0..<mask.height).map { y in String(mask.bits[y * mask.width..<(y + 1) * mask.width].map { $0 == 1 ? "#" : "." }) }
}

@Suite struct MaskTests {
    @Test func piecesTouchBySidesOnly() {
        let mask = drawnMask(
            "##..#..",
            "#.#.#.#",
            "..#.#.#",
            "#.#####",
            "#......")
        let parts = Components(of: mask)
        #expect(parts.pieces.map(\.area) == [12, 3, 2])
        #expect(parts.pieces.map(\.box) == [PixelBox(x0: 2, y0: 0, x1: 7, y1: 4), PixelBox(x0: 0, y0: 0, x1: 2, y1: 2), PixelBox(x0: 0, y0: 3, x1: 1, y1: 5)])
        #expect(parts.pieces.allSatisfy { $0.touchesEdge })
    }

    /// Against a flood fill, pixel by pixel.
    @Test(arguments: 0..<20) func piecesOfRandomMasks(_ seed: UInt64) {
        var random = SystemIndependentGenerator(state: seed)
        let (w, h) = (17, 23), mask = BinaryMask(width: w, height: h, bits: (0..<w * h).map { _ in random.next() % 5 < 3 ? 1 : 0 })
        var seen = [Bool](repeating: false, count: w * h), areas: [Int] = []
        for start in 0..<w * h where mask.bits[start] == 1 && !seen[start] {
            var stack = [start], area = 0
            seen[start] = true
            while let i = stack.popLast() {
                area += 1
                let (x, y) = (i % w, i / w)
                for (u, v) in [(x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1)] where (0..<w).contains(u) && (0..<h).contains(v) {
                    let j = v * w + u
                    if mask.bits[j] == 1, !seen[j] { seen[j] = true; stack.append(j) }
                }
            }
            areas.append(area)
        }
        let parts = Components(of: mask)
        #expect(parts.pieces.map(\.area) == areas.sorted(by: >))
        var repainted = BinaryMask(width: w, height: h, bits: Array(repeating: 0, count: w * h))
        parts.paint(parts.pieces, 1, in: &repainted)
        #expect(repainted == mask)
    }

    @Test func specksGoHolesCloseHandlesStay() {
        let mask = drawnMask(
            "#.........",
            "..#######.",
            "..#.#...#.",
            "..###...#.",
            "..#######.",
            "...###....")
        #expect(drawn(mask.cleaned(piece: 0.1, hole: 0.1)) == [
            "..........",
            "..#######.",
            "..###...#.",
            "..###...#.",
            "..#######.",
            "...###....",
        ])
        // What opens to the edge is no hole, and nothing is left of nothing.
        let open = drawnMask("###", "#.#", "#.#")
        #expect(open.cleaned(piece: 0, hole: 1) == open)
        let empty = drawnMask("...", "...")
        #expect(empty.cleaned() == empty && empty.box == nil && empty.intersectionOverUnion(empty) == 0)
    }

    @Test func overlap() {
        let a = drawnMask("##..", "##.."), b = drawnMask(".##.", ".##.")
        #expect(a.intersectionOverUnion(b) == 2.0 / 6 && a.intersectionOverUnion(a) == 1 && a.coverage == 0.5)
        #expect(b.box == PixelBox(x0: 1, y0: 0, x1: 3, y1: 2))
    }

    @Test func theSalientSubjectAndItsRivals() throws {
        CPUDevice.install()
        func map(_ boxes: [PixelBox]) -> PixelMap {
            var map = PixelMap(width: 60, height: 40, filledWith: 0.1)
            for b in boxes { for y in b.y0..<b.y1 { for x in b.x0..<b.x1 { map.values[y * 60 + x] = 0.9 } } }
            return map
        }
        #expect(SalientSubject(map([])) == nil)
        #expect(SalientSubject(map([PixelBox(x0: 3, y0: 3, x1: 4, y1: 4)])) == nil)        // a speck
        let one = try #require(SalientSubject(map([PixelBox(x0: 10, y0: 5, x1: 30, y1: 25), PixelBox(x0: 50, y0: 30, x1: 55, y1: 33)])))
        #expect(one.box == PixelBox(x0: 10, y0: 5, x1: 30, y1: 25) && one.rival == 0)
        let two = try #require(SalientSubject(map([PixelBox(x0: 10, y0: 5, x1: 30, y1: 25), PixelBox(x0: 40, y0: 5, x1: 50, y1: 25)])))
        #expect(two.rival == 0.5 && two.box == PixelBox(x0: 10, y0: 5, x1: 50, y1: 25))
        // A part that hangs beside the thing, within its box, is no rival.
        let part = try #require(SalientSubject(map([
            PixelBox(x0: 10, y0: 5, x1: 30, y1: 8), PixelBox(x0: 10, y0: 8, x1: 13, y1: 25), PixelBox(x0: 16, y0: 12, x1: 28, y1: 22),
        ])))
        #expect(part.rival == 0)
    }

    @Test func theOverlayDimsTheBackground() {
        let photo = RGBImage(width: 30, height: 20, filledWith: 200)
        var mask = BinaryMask(width: 30, height: 20, bits: Array(repeating: 0, count: 600))
        for y in 5..<15 { for x in 10..<20 { mask.bits[y * 30 + x] = 1 } }
        let overlay = MaskOverlay.draw(photo, mask: mask, boxes: [PixelBox(x0: 8, y0: 3, x1: 22, y1: 17)])
        func pixel(_ x: Int, _ y: Int) -> [UInt8] { Array(overlay.bytes[3 * (y * 30 + x)..<3 * (y * 30 + x) + 3]) }
        #expect(pixel(15, 10) == [200, 200, 200] && pixel(1, 1) == [80, 80, 80] && pixel(9, 10) == [255, 0, 200] && pixel(8, 4) == [255, 220, 0])
    }
}

/// xorshift64, for tests that need bits and no engine.
struct SystemIndependentGenerator: RandomNumberGenerator {
    var state: UInt64
    init(state: UInt64) { self.state = state &* 0x9e37_79b9_7f4a_7c15 | 1 }
    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state >> 11
    }
}
