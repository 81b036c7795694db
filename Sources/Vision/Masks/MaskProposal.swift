import Images

/// One of the masks that a segmenter offers for a prompt.
public struct MaskProposal: Sendable {
    /// Above 0: the subject. In the size of the picture that was segmented.
    public let logits: PixelMap
    /// What the segmenter itself expects of the mask.
    public let predictedIoU: Double

    public init(logits: PixelMap, predictedIoU: Double) { (self.logits, self.predictedIoU) = (logits, predictedIoU) }

    /// How little the mask changes where the threshold moves by one: area above 1 by area above −1 (SAM's stability score).
    public var stability: Double {
        let inner = logits.values.count { $0 > 1 }, outer = logits.values.count { $0 > -1 }
        return outer == 0 ? 0 : Double(inner) / Double(outer)
    }
}

/// What turns boxes and points into masks.
public protocol PromptSegmenter {
    /// Looks at a photo, once for any number of prompts.
    func look(at photo: RGBImage) throws -> any SegmentedPhoto
}

/// A photo that a segmenter has looked at.
public protocol SegmentedPhoto {
    /// Every mask that is offered for what the prompt means.
    func proposals(_ prompt: SegmentationPrompt) throws -> [MaskProposal]
}

extension SegmentedPhoto {
    /// Every mask that is offered for what the box holds.
    func proposals(in box: PixelBox) throws -> [MaskProposal] {
        try proposals(SegmentationPrompt(box: .init(x0: Double(box.x0), y0: Double(box.y0), x1: Double(box.x1), y1: Double(box.y1))))
    }
}

extension [MaskProposal] {
    /// The candidate that agrees best with what is already known of the subject, and how well (intersection over union).
    /// The segmenter's own opinion and the mask's stability only part what agrees about equally.
    public func bestMatch(of known: BinaryMask) -> (proposal: MaskProposal, agreement: Double)? {
        map { candidate -> (MaskProposal, Double, Double) in
            let agreement = candidate.logits.above(0).cleaned().intersectionOverUnion(known)
            return (candidate, agreement, agreement + 0.01 * Swift.min(candidate.predictedIoU, 1) + 0.01 * candidate.stability)
        }.max { $0.2 < $1.2 }.map { ($0.0, $0.1) }
    }
}
