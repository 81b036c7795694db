import Images
import Testing

@testable import Vision

@Suite struct BoxChoiceTests {
    private func box(_ x0: Int, _ y0: Int, _ x1: Int, _ y1: Int, _ score: Double) -> MaskDecision.Box {
        .init(PixelBox(x0: x0, y0: y0, x1: x1, y1: y1), score: score)
    }

    private func choose(_ boxes: [MaskDecision.Box], _ change: (inout BoxChoice.Settings) -> Void = { _ in }) -> BoxChoice {
        var settings = BoxChoice.Settings(threshold: 0.2)
        change(&settings)
        return BoxChoice(boxes, settings)
    }

    @Test func exactlyOne() {
        let choice = choose([box(0, 0, 9, 9, 0.19), box(10, 10, 50, 60, 0.7)])
        #expect(choice.rule == .oneBox && choice.box == PixelBox(x0: 10, y0: 10, x1: 50, y1: 60) && choice.threshold == 0.2 && choice.boxes.count == 1)
    }

    @Test func nothing() {
        #expect(choose([]).rule == .nothingFound)
        let faint = choose([box(0, 0, 9, 9, 0.04)])
        #expect(faint.rule == .nothingFound && faint.box == nil && faint.threshold == 0.05)
    }

    @Test func aLowerThreshold() {
        let choice = choose([box(10, 10, 50, 60, 0.13), box(70, 0, 90, 20, 0.06)])
        #expect(choice.rule == .loweredThreshold && choice.boxes.count == 1 && abs(choice.threshold - 0.1125) < 1e-12)
        // A generated picture is drawn again instead.
        #expect(choose([box(10, 10, 50, 60, 0.13)]) { $0.triesFurther = false }.rule == .nothingFound)
    }

    @Test func boxesOfOneThingAreJoined() {
        let choice = choose([box(10, 10, 50, 60, 0.5), box(12, 12, 52, 66, 0.45), box(20, 20, 30, 30, 0.3)])
        #expect(choice.rule == .mergedBoxes && choice.box == PixelBox(x0: 10, y0: 10, x1: 52, y1: 66) && choice.boxes.count == 3)
        #expect(choose([box(10, 10, 50, 60, 0.5), box(12, 12, 52, 66, 0.45)]) { $0.triesFurther = false }.rule == .severalObjects)
    }

    /// A box around two dogs makes them no single thing, nor one around the couch with the dog on it.
    @Test func aBoxAroundSeveralThingsJoinsNothing() {
        let dogs = choose([box(100, 100, 300, 400, 0.52), box(320, 100, 520, 400, 0.48), box(95, 95, 525, 405, 0.45)])
        #expect(dogs.rule == .severalObjects && dogs.box == nil && dogs.boxes.count == 3)
        let couch = choose([box(100, 100, 300, 400, 0.85), box(0, 50, 600, 480, 0.21)])
        #expect(couch.rule == .raisedThreshold && couch.box == PixelBox(x0: 100, y0: 100, x1: 300, y1: 400))
    }

    /// What was found against odds is trained on, and said.
    @Test func detectionsAreDoubted() {
        func doubt(_ boxes: [MaskDecision.Box], coverage: Double = 0.4) -> String? {
            let choice = choose(boxes)
            var decision = MaskDecision(method: .detection, width: 600, height: 500)
            (decision.rule, decision.boxes, decision.query, decision.coverage) = (choice.rule, choice.boxes, "dog", coverage)
            decision.isLowered = choice.isLowered
            return decision.doubt
        }
        #expect(doubt([box(10, 10, 50, 60, 0.5)]) == nil)
        #expect(doubt([box(10, 10, 50, 60, 0.5), box(12, 12, 52, 66, 0.45)]) == nil)
        #expect(doubt([box(10, 10, 50, 60, 0.5), box(0, 0, 90, 90, 0.45)]) == "it was cut out of several boxes, 25 % of which are the best one's")
        #expect(doubt([box(10, 10, 50, 60, 0.1), box(12, 12, 40, 50, 0.09)]) == "what it was cut out of looks like “dog” with a score of 10 % only")
        #expect(doubt([box(10, 10, 50, 60, 0.6), box(100, 12, 140, 50, 0.35)]) == "something else looks like “dog” beside it (35 % against 60 %)")
        #expect(doubt([box(10, 10, 50, 60, 0.6), box(12, 12, 40, 50, 0.35)]) == nil)
        #expect(doubt([box(10, 10, 50, 60, 0.13)]) == "what it was cut out of looks like “dog” with a score of 13 % only")
        #expect(doubt([box(10, 10, 50, 60, 0.5)], coverage: 0.97) == "it covers 97 % of the photo")
    }

    @Test func theClearlyBestOne() {
        let clear = choose([box(10, 10, 50, 60, 0.62), box(60, 10, 90, 60, 0.3)])
        #expect(clear.rule == .raisedThreshold && clear.box == PixelBox(x0: 10, y0: 10, x1: 50, y1: 60) && abs(clear.threshold - 0.46) < 1e-12)
        let close = choose([box(10, 10, 50, 60, 0.42), box(60, 10, 90, 60, 0.3)])
        #expect(close.rule == .severalObjects && close.box == nil && close.boxes.map(\.score) == [0.42, 0.3])
        #expect(choose([box(10, 10, 50, 60, 0.42), box(60, 10, 90, 60, 0.3)]) { $0.clearFactor = 1.2 }.rule == .raisedThreshold)
    }

    /// Found, and yet no mask: another thing to look for than what was not found.
    @Test func anEmptyMaskIsNoBoxThatIsMissing() throws {
        struct Detector: ObjectDetector {
            var boxes: [MaskDecision.Box]
            func boxes(of query: String, in photo: RGBImage) -> [MaskDecision.Box] { boxes }
        }
        struct Segmenter: PromptSegmenter, SegmentedPhoto {
            func look(at photo: RGBImage) -> any SegmentedPhoto { self }
            func proposals(_ prompt: SegmentationPrompt) -> [MaskProposal] {
                [MaskProposal(logits: PixelMap(width: 100, height: 70, values: [Float](repeating: -1, count: 7000)), predictedIoU: 0.9)]
            }
        }
        let photo = RGBImage(width: 100, height: 70, bytes: [UInt8](repeating: 9, count: 21_000))
        func complaint(_ boxes: [MaskDecision.Box]) throws -> String? {
            let result = try DetectionMasker(detector: Detector(boxes: boxes), segmenter: Segmenter()).mask(of: "dog", in: photo, .init(threshold: 0.2), margin: 0.05)
            #expect(result.mask == nil && result.decision.rule == .nothingFound)
            return result.decision.complaint
        }
        #expect(try complaint([box(10, 10, 50, 60, 0.7)]) == "“dog” was found, but the segmenter cut nothing out of its box")
        #expect(try complaint([]) == "nothing was found that looks like “dog”")
    }

    @Test func marginsStayInside() {
        #expect(PixelBox(x0: 10, y0: 10, x1: 50, y1: 60).widened(by: 0.05, width: 400, height: 62) == PixelBox(x0: 0, y0: 7, x1: 70, y1: 62))
    }
}
