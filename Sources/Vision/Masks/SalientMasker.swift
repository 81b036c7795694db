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
        /// How many times larger than the mask a thing around it is that is taken for the whole.
        public var wholeFactor = 1.3

        public init() {}
    }

    private let saliency: (RGBImage) -> PixelMap
    private let segmenter: any PromptSegmenter
    public let settings: Settings

    /// The photo's longer side while the subject is looked for: the segmenter sees no more than that.
    static let workingSide = 1024
    /// The second look is at the box, larger by this share on every side.
    static let cropMargin = 0.2

    public init(saliency: @escaping (RGBImage) -> PixelMap, segmenter: any PromptSegmenter, _ settings: Settings = .init()) {
        (self.saliency, self.segmenter, self.settings) = (saliency, segmenter, settings)
    }

    public init(_ network: U2Net, segmenter: any PromptSegmenter, _ settings: Settings = .init()) {
        self.init(saliency: { network.saliency(of: $0) }, segmenter: segmenter, settings)
    }

    /// Finds the subject in the whole photo, looks again at its surroundings in their own resolution, and segments both
    /// times what the two saliency maps agree on. Where that is a part of something larger, the larger thing is taken.
    public func mask(of photo: RGBImage) throws -> MaskResult {
        let whole = photo.reduced(to: Self.workingSide)
        let overview = saliency(whole)
        var decision = MaskDecision(method: .saliency, width: photo.width, height: photo.height)
        guard let first = SalientSubject(overview, threshold: Float(settings.threshold)) else {
            decision.rule = .nothingFound
            return MaskResult(mask: nil, decision: decision)
        }
        let closeUp = closeUp(first.box, whole, photo)
        let detail = closeUp.placed(saliency(closeUp.picture), fill: 0)
        var known = first.mask, box = first.box, rival = first.rival
        // The second look may lose what the first one saw; then the first one counts.
        if let second = SalientSubject(overview + detail, threshold: Float(2 * settings.threshold)), second.mask.intersectionOverUnion(known) > 0.5 {
            (known, box, rival) = (second.mask, second.box, max(rival, second.rival))
        }
        decision.boxes = [.init(box.scaled(from: whole, to: photo), score: nil)]
        decision.rival = rival

        let wide = try segmenter.look(at: whole)
        guard var cut = try CutOut(of: known, in: box, whole: wide, near: segmenter.look(at: closeUp.picture), closeUp) else {
            decision.rule = .nothingFound
            decision.segmentedBox = decision.boxes[0].box
            return MaskResult(mask: nil, decision: decision)
        }
        decision.note(cut)
        decision.rule = rule(decision, cut.mask, known)
        if decision.rule.isGood, let larger = try WholeObject(around: cut.mask, in: wide, leastFactor: settings.wholeFactor), let box = larger.mask.box {
            decision.larger = larger.factor
            let closeUp = self.closeUp(box, whole, photo)
            // Where box and point do not mean the same thing, the part stays, in doubt.
            if let all = try CutOut(of: larger.mask, in: box, whole: wide, near: segmenter.look(at: closeUp.picture), closeUp),
                all.agreement >= WholeObject.leastAgreement
            {
                cut = all
                decision.note(cut)
                decision.rule = .largerWhole
                decision.segmentedBox = box.scaled(from: whole, to: photo)
            }
        }
        let mask = cut.logits.resized(width: photo.width, height: photo.height).above(0).cleaned()
        decision.coverage = mask.coverage
        return MaskResult(mask: mask.box == nil ? nil : mask, decision: decision)
    }

    private func closeUp(_ box: PixelBox, _ whole: RGBImage, _ photo: RGBImage) -> CloseUp {
        CloseUp(photo, at: box.grown(by: Self.cropMargin, width: whole.width, height: whole.height), of: whole)
    }

    private func rule(_ decision: MaskDecision, _ mask: BinaryMask, _ known: BinaryMask) -> MaskDecision.Rule {
        if mask.box == nil { return .nothingFound }
        if decision.agreement ?? 0 < settings.leastAgreement { return .disagreement }
        // Pieces that the segmenter has joined are one object after all.
        if decision.rival ?? 0 > settings.mostRival, SalientSubject.rival(of: mask) > settings.mostRival { return .severalObjects }
        return .salientObject
    }
}

extension MaskDecision {
    fileprivate mutating func note(_ cut: CutOut) {
        (predictedIoU, agreement, consistency) = (cut.predictedIoU, cut.agreement, cut.consistency)
        stability = MaskProposal(logits: cut.logits, predictedIoU: 0).stability
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
