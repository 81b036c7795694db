import Images

/// What finds the things that words describe.
public protocol ObjectDetector {
    /// Boxes in pixels of the photo with their scores, those of low scores too.
    func boxes(of query: String, in photo: RGBImage) throws -> [MaskDecision.Box]
}

/// Masks of what words describe: a detector finds its box, a segmenter cuts it out.
public struct DetectionMasker {
    private let detector: any ObjectDetector
    private let segmenter: any PromptSegmenter

    public init(detector: any ObjectDetector, segmenter: any PromptSegmenter) { (self.detector, self.segmenter) = (detector, segmenter) }

    /// The mask of the one `query` in the photo.
    ///
    /// - Parameters:
    ///   - margin: how much the box grows on each side, as a share of the photo's sides: 0.05 on photos, 0 on generated
    ///     pictures.
    public func mask(of query: String, in photo: RGBImage, _ settings: BoxChoice.Settings, margin: Double) throws -> MaskResult {
        var decision = MaskDecision(method: .detection, width: photo.width, height: photo.height)
        decision.query = query
        let choice = BoxChoice(try detector.boxes(of: query, in: photo), settings)
        (decision.rule, decision.boxes, decision.threshold, decision.isLowered) = (choice.rule, choice.boxes, choice.threshold, choice.isLowered)
        guard let box = choice.box else { return MaskResult(mask: nil, decision: decision) }
        let wide = box.widened(by: margin, width: photo.width, height: photo.height)
        decision.segmentedBox = wide
        guard let best = try segmenter.look(at: photo).proposals(in: wide).max(by: { $0.predictedIoU < $1.predictedIoU }) else {
            decision.rule = .nothingFound
            return MaskResult(mask: nil, decision: decision)
        }
        let mask = best.logits.above(0).cleaned()
        decision.predictedIoU = best.predictedIoU
        decision.coverage = mask.coverage
        if mask.box == nil { decision.rule = .nothingFound }
        return MaskResult(mask: mask.box == nil ? nil : mask, decision: decision)
    }
}
