import Images

/// How a mask came about: a line of `masks/masks.jsonl`.
public struct MaskDecision: Equatable, Sendable, Codable {
    public enum Method: String, Sendable, Codable {
        /// U²-Net and MobileSAM.
        case saliency
        /// OWLv2 and SAM.
        case detection
    }

    /// Why this mask, or why none.
    public enum Rule: String, Sendable, Codable {
        case salientObject = "salient_object", largerWhole = "larger_whole"
        case oneBox = "one_box", loweredThreshold = "lowered_threshold", raisedThreshold = "raised_threshold"
        case mergedBoxes = "merged_boxes", clearlyBest = "clearly_best_box"
        case nothingFound = "nothing_found", severalObjects = "several_objects", disagreement

        /// Whether the mask can be trained on.
        public var isGood: Bool {
            switch self {
            case .nothingFound, .severalObjects, .disagreement: false
            default: true
            }
        }
    }

    /// A box in pixels of the upright photo, `[x0, y0, x1, y1]`, and how sure the detector is.
    public struct Box: Equatable, Sendable, Codable {
        public var box: PixelBox
        public var score: Double?

        public init(_ box: PixelBox, score: Double?) { (self.box, self.score) = (box, score) }
    }

    public var method: Method
    public var rule = Rule.nothingFound
    /// What was looked for, where something was.
    public var query: String?
    /// Every box that counted.
    public var boxes: [Box] = []
    /// The one that was segmented, with its margin.
    public var segmentedBox: PixelBox?
    /// The threshold that decided.
    public var threshold: Double?
    /// Whether it is lower than was asked for.
    public var isLowered: Bool?
    /// The segmenter's own opinion of the mask.
    public var predictedIoU: Double?
    /// Intersection over union of the mask and what was known before it: saliency, or the larger whole.
    public var agreement: Double?
    /// Intersection over union of the masks of the whole photo and of the subject's surroundings.
    public var consistency: Double?
    /// How little the mask changes where its threshold moves (`MaskProposal.stability`).
    public var stability: Double?
    /// The largest other object by the subject's area.
    public var rival: Double?
    /// The area of a larger thing around the mask that stands out, by that mask's; nil where there is none.
    public var larger: Double?
    /// The share of the photo that the mask covers.
    public var coverage: Double?
    public var width: Int, height: Int

    enum CodingKeys: String, CodingKey {
        case method, rule, query, boxes, segmentedBox = "segmented_box", threshold, isLowered = "is_lowered", predictedIoU = "predicted_iou", agreement, consistency, stability
        case rival, larger, coverage, width, height
    }

    public init(method: Method, width: Int, height: Int) { (self.method, self.width, self.height) = (method, width, height) }

    /// Why there is no mask to train on, as a person would say it; nil where there is one.
    public var complaint: String? {
        switch rule {
        case .nothingFound where segmentedBox != nil:
            (query.map { "“\($0)” was found" } ?? "something stands out") + ", but the segmenter cut nothing out of its box"
        case .nothingFound:
            query.map { "nothing was found that looks like “\($0)”" } ?? "nothing stands out from the background"
        case .severalObjects:
            query.map { "\(boxes.count) things look like “\($0)”, and none is clearly the one" } ?? "several separate objects stand out, and one subject is wanted"
        case .disagreement:
            "what stands out and what can be cut out differ (they agree to \(Int((100 * (agreement ?? 0)).rounded())) %)"
        default: nil
        }
    }

    /// What speaks against a mask that can be trained on; nil where nothing does.
    ///
    /// Of saliency, a larger whole is always doubted: two answers were at hand. How many of the wrong masks of disturbed photos the other
    /// limits doubt is in `Benchmarks/RESULTS.md`.
    public var doubt: String? {
        guard rule.isGood else { return nil }
        func percent(_ value: Double) -> String { "\(Int((100 * value).rounded())) %" }
        // Noise, and a wall from near, stand out as a whole; nothing is left to cut them out of.
        if let coverage, coverage > 0.95 { return "it covers \(percent(coverage)) of the photo" }
        if method == .detection {
            func score(_ box: Box) -> String { percent(box.score ?? 0) }
            if isLowered == true, let best = boxes.first { return "what it was cut out of looks like “\(query ?? "")” with a score of \(score(best)) only" }
            if rule == .mergedBoxes, let best = boxes.first?.box, case let whole = boxes.reduce(best, { $0.union($1.box) }), whole.area > 2 * best.area {
                return "it was cut out of several boxes, \(percent(Double(best.area) / Double(whole.area))) of which are the best one's"
            }
            if rule == .raisedThreshold, boxes.count > 1, boxes[0].box.shareOfSmaller(coveredBy: boxes[1].box) < 0.5 {
                return "something else looks like “\(query ?? "")” beside it (\(score(boxes[1])) against \(score(boxes[0])))"
            }
            if let predictedIoU, predictedIoU < 0.8 { return "the segmenter itself expects \(percent(predictedIoU)) of it to be right" }
            return nil
        }
        if let larger {
            return rule == .largerWhole ? "what stands out is only \(percent(1 / larger)) of it" : "it may be a part of a larger thing"
        }
        if let rival, rival > 0 { return "something else stands out beside it, \(percent(rival)) as large" }
        if let agreement, agreement < 0.87 { return "it agrees with what stands out to \(percent(agreement)) only" }
        if let consistency, consistency < 0.93 { return "seen from near it differs from what it is in the whole photo (they agree to \(percent(consistency)))" }
        if let predictedIoU, predictedIoU < 0.93 { return "the segmenter itself expects \(percent(predictedIoU)) of it to be right" }
        if let stability, stability < 0.96 { return "its outline is vague" }
        return nil
    }
}

/// A mask and how it came about.
public struct MaskResult: Sendable {
    /// Also there where it cannot be trusted, so that it can be shown; nil where there is nothing.
    public let mask: BinaryMask?
    public let decision: MaskDecision

    public init(mask: BinaryMask?, decision: MaskDecision) { (self.mask, self.decision) = (mask, decision) }

    /// Fit to be trained on.
    public var isGood: Bool { mask != nil && decision.rule.isGood }
}
