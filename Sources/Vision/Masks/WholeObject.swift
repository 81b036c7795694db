import Images

/// The thing that a mask is only a part of.
///
/// Saliency and a box around it can agree on a part: on a dog's mouth where the photo has no colours. A point leaves the
/// segmenter free to say how far the thing reaches, and it offers a whole, a part, a part of the part. A whole counts that
/// is clearly larger than the mask and contains it, that the segmenter is sure of, and that is found from two points at
/// least: of a mask that is already whole there is none.
struct WholeObject {
    let mask: BinaryMask
    /// Its area by that of the part.
    let factor: Double

    static let points = 3
    static let leastContained = 0.95, leastPredictedIoU = 0.9, leastStability = 0.85, leastAgreement = 0.9

    /// nil where the mask seems to be the whole.
    ///
    /// - Parameter leastFactor: how many times larger than the part a whole is at least.
    init?(around part: BinaryMask, in photo: any SegmentedPhoto, leastFactor: Double) throws {
        let area = part.area
        var best: (mask: BinaryMask, sureness: Double)?, found: [BinaryMask] = [], agree = false
        for point in part.innermostPoints(Self.points) {
            let wholes = try photo.proposals(SegmentationPrompt(points: [point])).compactMap { proposal -> (mask: BinaryMask, sureness: Double)? in
                let stability = proposal.stability
                guard proposal.predictedIoU >= Self.leastPredictedIoU, stability >= Self.leastStability else { return nil }
                let mask = proposal.logits.above(0).cleaned()
                guard Double(mask.area) >= leastFactor * Double(area), Double(mask.area(in: part)) >= Self.leastContained * Double(area) else { return nil }
                return (mask, proposal.predictedIoU + stability)
            }
            guard let whole = wholes.max(by: { $0.sureness < $1.sureness }) else { continue }
            agree = agree || found.contains { $0.intersectionOverUnion(whole.mask) >= Self.leastAgreement }
            found.append(whole.mask)
            if whole.sureness > best?.sureness ?? 0 { best = whole }
        }
        guard agree, let best else { return nil }
        (mask, factor) = (best.mask, Double(best.mask.area) / Double(area))
    }
}

extension BinaryMask {
    /// How many pixels both have.
    func area(in other: BinaryMask) -> Int { zip(bits, other.bits).reduce(0) { $0 + Int($1.0 & $1.1) } }
}
