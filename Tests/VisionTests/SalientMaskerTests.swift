import CPUDevice
import Images
import Tensors
import Testing

@testable import Vision

/// The two-look mask with a saliency and a segmenter that are drawn, so that every decision has a known answer.
@Suite(.serialized) struct SalientMaskerTests {
    init() { CPUDevice.install() }

    /// Bright pixels stand out.
    private static func brightness(_ photo: RGBImage) -> PixelMap {
        PixelMap(width: photo.width, height: photo.height, values: (0..<photo.width * photo.height).map { Float(photo.bytes[3 * $0]) / 255 })
    }

    /// Offers for a box the bright pixels inside it, the same without its right half, what is not dark, and everything; for
    /// a point `wholes`, by turns.
    private struct Segmenter: PromptSegmenter {
        var offersNothing = false, onlyHalf = false, seesGrey = true, predictedIoU = 0.98, height = Float(5)
        var wholes: [Whole] = []

        /// What is brighter than `level`, as an answer to a point.
        struct Whole { var level: UInt8 = 50, predictedIoU = 0.95, height = Float(5) }

        final class Look: SegmentedPhoto {
            let photo: RGBImage, segmenter: Segmenter
            private var points = 0

            init(_ photo: RGBImage, _ segmenter: Segmenter) { (self.photo, self.segmenter) = (photo, segmenter) }

            private func map(_ height: Float, _ inside: (Int, Int) -> Bool) -> PixelMap {
                PixelMap(width: photo.width, height: photo.height, values: (0..<photo.width * photo.height).map { inside($0 % photo.width, $0 / photo.width) ? height : -height })
            }

            func proposals(_ prompt: SegmentationPrompt) -> [MaskProposal] {
                if segmenter.offersNothing { return [] }
                let brighter = { (x: Int, y: Int, level: UInt8) in self.photo.bytes[3 * (y * self.photo.width + x)] > level }
                guard let box = prompt.box else {
                    defer { points += 1 }
                    return segmenter.wholes.isEmpty ? [] : [segmenter.wholes[points % segmenter.wholes.count]].map { whole in
                        MaskProposal(logits: map(whole.height) { brighter($0, $1, whole.level) }, predictedIoU: whole.predictedIoU)
                    }
                }
                let isInside = { (x: Int, y: Int) in Double(x) >= box.x0 && Double(x) < box.x1 && Double(y) >= box.y0 && Double(y) < box.y1 }
                func proposal(_ predictedIoU: Double, _ inside: (Int, Int) -> Bool) -> MaskProposal {
                    MaskProposal(logits: map(segmenter.height) { isInside($0, $1) && inside($0, $1) }, predictedIoU: predictedIoU)
                }
                let half = proposal(1) { brighter($0, $1, 127) && Double($0) < (box.x0 + box.x1) / 2 }
                if segmenter.onlyHalf { return [half] }
                return [half, proposal(segmenter.predictedIoU) { brighter($0, $1, 127) }, MaskProposal(logits: map(segmenter.height) { _, _ in true }, predictedIoU: 0.99)]
                    + (segmenter.seesGrey ? [proposal(segmenter.predictedIoU) { brighter($0, $1, 50) }] : [])
            }
        }

        func look(at photo: RGBImage) -> any SegmentedPhoto { Look(photo, self) }
    }

    private func photo(_ width: Int, _ height: Int, _ boxes: [PixelBox], grey: PixelBox? = nil) -> RGBImage {
        var photo = RGBImage(width: width, height: height, filledWith: 20)
        if let b = grey { for y in b.y0..<b.y1 { for x in b.x0..<b.x1 { for c in 0..<3 { photo.bytes[3 * (y * width + x) + c] = 100 } } } }
        for b in boxes { for y in b.y0..<b.y1 { for x in b.x0..<b.x1 { for c in 0..<3 { photo.bytes[3 * (y * width + x) + c] = 250 } } } }
        return photo
    }

    @Test(arguments: [(90, 70), (1500, 900)]) func theCandidateThatAgreesIsTaken(_ width: Int, _ height: Int) throws {
        let box = PixelBox(x0: width / 5, y0: height / 4, x1: width / 2, y1: height * 3 / 4)
        let result = try SalientMasker(saliency: Self.brightness, segmenter: Segmenter()).mask(of: photo(width, height, [box]))
        let mask = try #require(result.mask)
        #expect(result.isGood && result.decision.rule == .salientObject && mask.width == width && mask.height == height)
        var truth = BinaryMask(width: width, height: height, bits: Array(repeating: 0, count: width * height))
        for y in box.y0..<box.y1 { for x in box.x0..<box.x1 { truth.bits[y * width + x] = 1 } }
        #expect(mask.intersectionOverUnion(truth) > 0.97)
        #expect((result.decision.agreement ?? 0) > 0.97 && abs((result.decision.coverage ?? 0) - truth.coverage) < 0.01)
    }

    @Test func whatMayBeWrongIsSaid() throws {
        func decision(_ segmenter: Segmenter) throws -> MaskDecision {
            try SalientMasker(saliency: Self.brightness, segmenter: segmenter).mask(of: photo(100, 80, [PixelBox(x0: 10, y0: 10, x1: 40, y1: 60)])).decision
        }
        let sure = try decision(Segmenter())
        #expect(sure.doubt == nil && sure.consistency ?? 0 > 0.95 && sure.stability == 1)
        #expect(try decision(Segmenter(predictedIoU: 0.9)).doubt == "the segmenter itself expects 90 % of it to be right")
        // Two looks of 0.4 are 0.8 together: inside the band of one around the threshold.
        #expect(try decision(Segmenter(height: 0.4)).doubt == "its outline is vague")
        var other = sure
        other.agreement = 0.8
        #expect(other.doubt == "it agrees with what stands out to 80 % only")
        other = sure
        other.consistency = 0.9
        #expect(other.doubt?.hasPrefix("seen from near") == true)
        other = sure
        other.rival = 0.2
        #expect(sure.rival == 0 && other.doubt == "something else stands out beside it, 20 % as large")
        // What is refused is not merely doubted, and a detector's masks have other numbers.
        other.rule = .disagreement
        #expect(other.doubt == nil)
        (other.rule, other.method) = (.oneBox, .detection)
        #expect(other.doubt == nil)
    }

    @Test func whatCannotBeTrustedIsFlagged() throws {
        let one = PixelBox(x0: 10, y0: 10, x1: 40, y1: 60), other = PixelBox(x0: 60, y0: 10, x1: 80, y1: 60)
        func rule(_ boxes: [PixelBox], _ segmenter: Segmenter = Segmenter(), rival: Double = 0.3) throws -> (MaskDecision.Rule, Bool) {
            var settings = SalientMasker.Settings()
            settings.mostRival = rival
            let result = try SalientMasker(saliency: Self.brightness, segmenter: segmenter, settings).mask(of: photo(100, 80, boxes))
            return (result.decision.rule, result.isGood)
        }
        #expect(try rule([]) == (.nothingFound, false))
        #expect(try rule([one, other]) == (.severalObjects, false))
        #expect(try rule([one, other], rival: 1) == (.salientObject, true))
        let small = PixelBox(x0: 60, y0: 10, x1: 70, y1: 40)
        let beside = try SalientMasker(saliency: Self.brightness, segmenter: Segmenter()).mask(of: photo(100, 80, [one, small])).decision
        #expect(beside.rule == .salientObject && beside.doubt == "something else stands out beside it, 20 % as large")
        #expect(try rule([one], Segmenter(onlyHalf: true)) == (.disagreement, false))
        #expect(try rule([one], Segmenter(offersNothing: true)) == (.nothingFound, false))
        #expect(try rule([PixelBox(x0: 0, y0: 0, x1: 100, y1: 80)]) == (.salientObject, true))
    }

    /// A bright spot stands out of a grey thing.
    @Test func theThingAroundWhatStandsOutIsTaken() throws {
        let spot = PixelBox(x0: 30, y0: 30, x1: 50, y1: 50), thing = PixelBox(x0: 15, y0: 10, x1: 75, y1: 70)
        func result(_ segmenter: Segmenter, factor: Double = 1.3) throws -> MaskResult {
            var settings = SalientMasker.Settings()
            settings.wholeFactor = factor
            return try SalientMasker(saliency: Self.brightness, segmenter: segmenter, settings).mask(of: photo(100, 80, [spot], grey: thing))
        }
        func area(_ result: MaskResult) -> Int { result.mask?.area ?? 0 }
        let whole = Segmenter.Whole(), part = area(try result(Segmenter()))
        #expect(abs(part - 400) < 30)

        let taken = try result(Segmenter(wholes: [whole]))
        #expect(taken.isGood && taken.decision.rule == .largerWhole && abs(area(taken) - 3600) < 100, "\(area(taken)), \(taken.decision)")
        #expect(taken.decision.segmentedBox == thing && abs((taken.decision.larger ?? 0) - 9) < 1 && taken.decision.boxes[0].box != thing)
        #expect(taken.decision.doubt == "what stands out is only 11 % of it")
        // Two of three points are enough, one is not.
        let other = Segmenter.Whole(level: 0)
        #expect(try result(Segmenter(wholes: [whole, other, whole])).decision.rule == .largerWhole)
        // Unsure, vague, not the same twice, too little larger, or no larger at all: the part stays, and nobody doubts it.
        for (wholes, factor) in [
            ([Segmenter.Whole(predictedIoU: 0.85)], 1.3), ([.init(height: 0.5)], 1.3), ([whole, other, .init(predictedIoU: 0.5)], 1.3), ([whole], 20),
            ([.init(level: 127)], 1.3), ([.init(level: 254)], 1.3),
        ] as [([Segmenter.Whole], Double)] {
            let stays = try result(Segmenter(wholes: wholes), factor: factor)
            #expect(stays.decision.rule == .salientObject && area(stays) == part && stays.decision.larger == nil && stays.decision.doubt == nil, "\(wholes), \(factor)")
        }
        // A box around the whole does not give it: the part stays, in doubt.
        let unsure = try result(Segmenter(seesGrey: false, wholes: [whole]))
        #expect(unsure.decision.rule == .salientObject && area(unsure) == part && unsure.decision.doubt == "it may be a part of a larger thing")
    }

    @Test func pointsLieDeepInside() {
        let mask = drawnMask(
            "...........",
            ".#####.###.",
            ".#####.###.",
            ".########..",
            ".#####.....",
            ".#####...#.",
            "...........")
        #expect(mask.innermostPoints(2) == [.init(x: 3.5, y: 3.5), .init(x: 8.5, y: 2.5)])
        #expect(mask.innermostPoints(100).allSatisfy { mask.bits[Int($0.y) * mask.width + Int($0.x)] == 1 })
        // The picture's edge is the end of it.
        #expect(drawnMask("###", "###", "###").innermostPoints(1) == [.init(x: 1.5, y: 1.5)])
        #expect(drawnMask("..", "..").innermostPoints(3).isEmpty)
    }
}
