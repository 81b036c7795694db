import Images

/// Masks without a word about what is looked for: saliency says where the subject is, the segmenter how far it goes.
public struct SalientMasker {
    public struct Settings: Equatable, Sendable, Codable {
        /// Saliency above it belongs to the subject.
        public var threshold = 0.5
        /// The least intersection over union of saliency and mask; below it one of the two is wrong.
        public var leastAgreement = 0.75
        /// The largest other object by the subject's area; above it there are several.
        public var mostRival = 0.3

        public init() {}
    }

    private let saliency: (RGBImage) -> PixelMap
    private let segmenter: any BoxSegmenter
    public let settings: Settings

    /// The photo's longer side while the subject is looked for: the segmenter sees no more than that.
    static let workingSide = 1024
    /// The second look is at the box, larger by this share on every side.
    static let cropMargin = 0.2

    public init(saliency: @escaping (RGBImage) -> PixelMap, segmenter: any BoxSegmenter, _ settings: Settings = .init()) {
        (self.saliency, self.segmenter, self.settings) = (saliency, segmenter, settings)
    }

    public init(_ network: U2Net, segmenter: any BoxSegmenter, _ settings: Settings = .init()) {
        self.init(saliency: { network.saliency(of: $0) }, segmenter: segmenter, settings)
    }

    /// Finds the subject in the whole photo, looks again at its surroundings in their own resolution, and segments both
    /// times; each time the candidate is taken that agrees best with the mean of both saliency maps, and the two chosen
    /// masks' logits are added.
    public func mask(of photo: RGBImage) throws -> MaskResult {
        let whole = photo.reduced(to: Self.workingSide)
        let overview = saliency(whole)
        var decision = MaskDecision(method: .saliency, width: photo.width, height: photo.height)
        guard let first = SalientSubject(overview, threshold: Float(settings.threshold)) else {
            decision.rule = .nothingFound
            return MaskResult(mask: nil, decision: decision)
        }
        let near = first.box.grown(by: Self.cropMargin, width: whole.width, height: whole.height)
        let crop = near.scaled(from: whole, to: photo), closeUp = photo.cropped(to: crop).reduced(to: Self.workingSide)
        let detail = saliency(closeUp).resized(width: near.width, height: near.height)
            .placed(at: near, width: whole.width, height: whole.height, fill: 0)
        var known = first.mask, box = first.box, rival = first.rival
        // The second look may lose what the first one saw; then the first one counts.
        if let second = SalientSubject(overview + detail, threshold: Float(2 * settings.threshold)), second.mask.intersectionOverUnion(known) > 0.5 {
            (known, box, rival) = (second.mask, second.box, max(rival, second.rival))
        }
        decision.boxes = [.init(box.scaled(from: whole, to: photo), score: nil)]
        decision.rival = rival

        let wide = try segmenter.proposals(in: whole, box: box)
        let closeBox = PixelBox(x0: max(box.x0, near.x0), y0: max(box.y0, near.y0), x1: min(box.x1, near.x1), y1: min(box.y1, near.y1))
            .moved(by: near).scaled(from: (near.width, near.height), to: (closeUp.width, closeUp.height))
        let close = try segmenter.proposals(in: closeUp, box: closeBox).map {
            MaskProposal(
                logits: $0.logits.resized(width: near.width, height: near.height)
                    .placed(at: near, width: whole.width, height: whole.height, fill: Self.outside),
                predictedIoU: $0.predictedIoU)
        }
        guard let a = wide.bestMatch(of: known), let b = close.bestMatch(of: known) else {
            decision.rule = .nothingFound
            return MaskResult(mask: nil, decision: decision)
        }
        let sum = a.proposal.logits + b.proposal.logits
        decision.predictedIoU = (a.proposal.predictedIoU + b.proposal.predictedIoU) / 2
        decision.agreement = sum.above(0).cleaned().intersectionOverUnion(known)
        decision.consistency = a.proposal.logits.above(0).cleaned().intersectionOverUnion(b.proposal.logits.above(0).cleaned())
        decision.stability = MaskProposal(logits: sum, predictedIoU: 0).stability
        let mask = sum.resized(width: photo.width, height: photo.height).above(0).cleaned()
        decision.coverage = mask.coverage
        decision.rule = rule(decision, sum.above(0).cleaned(), known)
        return MaskResult(mask: mask.box == nil ? nil : mask, decision: decision)
    }

    /// A logit that is surely background.
    private static let outside: Float = -8

    private func rule(_ decision: MaskDecision, _ mask: BinaryMask, _ known: BinaryMask) -> MaskDecision.Rule {
        if mask.box == nil { return .nothingFound }
        if decision.agreement ?? 0 < settings.leastAgreement { return .disagreement }
        // Pieces that the segmenter has joined are one object after all.
        if decision.rival ?? 0 > settings.mostRival, SalientSubject.rival(of: mask) > settings.mostRival { return .severalObjects }
        return .salientObject
    }
}

extension SalientSubject {
    /// How large the largest other object of a mask is beside the largest one.
    static func rival(of mask: BinaryMask) -> Double { rival(among: Components(of: mask).pieces) }
}

extension RGBImage {
    /// The picture with its longer side at most `side`.
    func reduced(to side: Int) -> RGBImage {
        guard max(width, height) > side else { return self }
        let scale = Double(side) / Double(max(width, height))
        return resized(width: max(1, Int((Double(width) * scale).rounded())), height: max(1, Int((Double(height) * scale).rounded())), .bilinear)
    }
}

extension PixelBox {
    /// The same place in another size of the picture, outwards to whole pixels.
    func scaled(from old: (width: Int, height: Int), to new: (width: Int, height: Int)) -> PixelBox {
        let across = Double(new.width) / Double(old.width), down = Double(new.height) / Double(old.height)
        let left = Int((Double(x0) * across).rounded(.down)), top = Int((Double(y0) * down).rounded(.down))
        return PixelBox(
            x0: min(left, new.width - 1), y0: min(top, new.height - 1),
            x1: min(new.width, max(left + 1, Int((Double(x1) * across).rounded(.up)))),
            y1: min(new.height, max(top + 1, Int((Double(y1) * down).rounded(.up)))))
    }

    func scaled(from old: RGBImage, to new: RGBImage) -> PixelBox { scaled(from: (old.width, old.height), to: (new.width, new.height)) }

    /// Seen from another box's corner.
    func moved(by other: PixelBox) -> PixelBox { PixelBox(x0: x0 - other.x0, y0: y0 - other.y0, x1: x1 - other.x0, y1: y1 - other.y0) }
}
