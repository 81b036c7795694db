import Foundation
import Images
import Tensors
import Testing

@testable import SegMix

struct CompositionTests {
    private func candidates(_ count: Int) -> [CollagePlan.Candidate] {
        (0..<count).map { i in
            let photo = Photo(subject: "\(i)", file: "\(i).png", path: "/\(i).png", mask: "m\(i).png", maskPath: "/m\(i).png", captions: [])
            return .init(photo: photo, box: PixelBox(x0: 1, y0: 2, x1: 41 + 13 * i, y1: 92 - 11 * i), scale: nil)
        }
    }

    @Test(arguments: [1, 2, 3, 5]) func everyCutOutLiesOnTheCanvas(_ count: Int) {
        var lefts: Set<[Int]> = []
        for seed in 0..<200 as Range<UInt64> {
            var stream = RandomStream(seed: seed, purpose: .composition)
            let c = Composition.drawn(candidates(count), width: 96, height: 64, from: &stream)
            #expect(c.placements.count == count && Set(c.placements.map(\.subject)).count == count)
            for p in c.placements {
                #expect(p.x >= 0 && p.y >= 0 && p.x + p.size[0] <= 96 && p.y + p.size[1] <= 64)
                let full = Composition.fullFactor(of: p.box, count: count, width: 96, height: 64)
                #expect(p.factor >= 0.75 * full && p.factor <= full)
            }
            lefts.insert(c.placements.map(\.x))
        }
        #expect(lefts.count > 20)
    }

    @Test func twoOnASquareHaveTheSizesOfTrainingComposites() {
        let rules = CollageRules(side: 128, sharesHeight: false)
        for one in candidates(3) { #expect(Composition.fullFactor(of: one.box, count: 2, width: 128, height: 128) == rules.fullFactor(of: one.box)) }
    }

    @Test func boxesAreFilledFromTheMiddle() {
        let two = candidates(2)
        let c = Composition.placed(
            [(two[0], .init(x0: 0, y0: 0, x1: 0.5, y1: 1)), (two[1], .init(x0: 0.5, y0: 0.25, x1: 1, y1: 0.75))], width: 200, height: 100)
        // The lower one lies in front.
        #expect(c.placements.map(\.subject) == ["1", "0"])
        // 40 × 90 in 100 × 100, 53 × 79 in 100 × 50.
        let (back, front) = (c.placements[0], c.placements[1])
        #expect(front.size == [44, 100] && front.x == 28 && front.y == 0)
        #expect(back.size == [33, 50] && back.x == 133 && back.y == 25)
    }
}
