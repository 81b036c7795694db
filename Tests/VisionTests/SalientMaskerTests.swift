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

    /// Offers the bright pixels inside the box, the same without its right half, and everything.
    private struct Segmenter: BoxSegmenter {
        var offersNothing = false, onlyHalf = false, predictedIoU = 0.98, height = Float(5)
        func proposals(in photo: RGBImage, box: PixelBox) -> [MaskProposal] {
            if offersNothing { return [] }
            func map(_ inside: (Int, Int) -> Bool) -> PixelMap {
                PixelMap(width: photo.width, height: photo.height, values: (0..<photo.width * photo.height).map { inside($0 % photo.width, $0 / photo.width) ? height : -height })
            }
            let bright = { (x: Int, y: Int) in photo.bytes[3 * (y * photo.width + x)] > 127 && x >= box.x0 && x < box.x1 && y >= box.y0 && y < box.y1 }
            let half = MaskProposal(logits: map { x, y in bright(x, y) && x < (box.x0 + box.x1) / 2 }, predictedIoU: 1)
            if onlyHalf { return [half] }
            return [half, MaskProposal(logits: map(bright), predictedIoU: predictedIoU), MaskProposal(logits: map { _, _ in true }, predictedIoU: 0.99)]
        }
    }

    private func photo(_ width: Int, _ height: Int, _ boxes: [PixelBox]) -> RGBImage {
        var photo = RGBImage(width: width, height: height, filledWith: 20)
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
        #expect(try rule([one], Segmenter(onlyHalf: true)) == (.disagreement, false))
        #expect(try rule([one], Segmenter(offersNothing: true)) == (.nothingFound, false))
        #expect(try rule([PixelBox(x0: 0, y0: 0, x1: 100, y1: 80)]) == (.salientObject, true))
    }
}
