import Images
import Tensors

/// How composites are drawn on a square canvas.
public struct CollageRules: Equatable, Sendable {
    /// The canvas's side R.
    public let side: Int
    /// Both cut-outs at the same height, as in prior composites.
    public let sharesHeight: Bool

    public init(side: Int, sharesHeight: Bool) {
        precondition(side >= CollageRules.smallestSide, "CollageRules: side \(side)")
        (self.side, self.sharesHeight) = (side, sharesHeight)
    }

    /// Below it there is no margin to draw.
    public static let smallestSide = 32

    /// The largest factor at which a box fits its half of the canvas: min((R/2 − R/32)/w, (R − R/32)/h), where
    /// R/2 and R/32 round down.
    public func fullFactor(of box: PixelBox) -> Double {
        let gap = side / 32
        return min(Double(side / 2 - gap) / Double(box.width), Double(side - gap) / Double(box.height))
    }
}

extension CollagePlan {
    /// A cut-out that is to be placed.
    struct Candidate {
        let photo: Photo
        let box: PixelBox
        /// The fixed part of the full size; nil: drawn from U(0.75, 1).
        let scale: Double?
    }

    /// Draws sizes, places, sides and who covers whom, for the drawn subject and the second one.
    ///
    /// Every number has its own draw, made whether it is needed or not, so that they are independent of each
    /// other and of the settings.
    static func drawn(_ candidates: (Candidate, Candidate), rules: CollageRules, from stream: inout RandomStream) -> CollagePlan {
        let side = rules.side, pair = [candidates.0, candidates.1]
        let chances = pair.map { _ in stream.uniform(0.75, 1) }
        let left = stream.coin() ? 0 : 1
        let top = stream.coin() ? 0 : 1
        let margins = pair.map { _ in stream.integer(in: 1...(side / 4)) }

        var placements = zip(pair, chances).map { candidate, chance in
            let factor = rules.fullFactor(of: candidate.box) * (candidate.scale ?? chance)
            let size = [candidate.box.width, candidate.box.height].map { max(1, Int(Double($0) * factor)) }
            return Placement(subject: candidate.photo.subject, file: candidate.photo.file, mask: candidate.photo.mask ?? "",
                             box: candidate.box, factor: factor, size: size, x: 0, y: 0)
        }
        let tallest = max(placements[0].size[1], placements[1].size[1])
        let heights = placements.map { stream.integer(in: 0...(side - $0.size[1])) }
        let shared = stream.integer(in: 0...(side - tallest))
        for i in 0..<2 {
            let width = placements[i].size[0]
            placements[i].x = i == left ? margins[i] : side - width - margins[i]
            placements[i].y = rules.sharesHeight ? shared : heights[i]
            precondition(placements[i].x >= 0 && placements[i].x + width <= side, "CollagePlan: \(placements[i]) on \(side)")
        }
        return CollagePlan(subjects: placements, left: left, top: top)
    }
}
