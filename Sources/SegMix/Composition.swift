import Images
import Tensors

/// Where the cut-outs of one or more subjects lie on a white canvas of any shape: the layout that mean-shifted noise
/// starts from. Like a training composite, but for any number of subjects.
public struct Composition: Codable, Equatable, Sendable {
    public let width: Int, height: Int
    /// From the lowest to the uppermost.
    public let placements: [CollagePlan.Placement]

    /// A subject's place on the canvas, in parts of its width and height.
    public struct Box: Equatable, Sendable {
        public let x0, y0, x1, y1: Double

        public init(x0: Double, y0: Double, x1: Double, y1: Double) {
            precondition(0 <= x0 && x0 < x1 && x1 <= 1 && 0 <= y0 && y0 < y1 && y1 <= 1, "Box: [\(x0), \(y0), \(x1), \(y1)]")
            (self.x0, self.y0, self.x1, self.y1) = (x0, y0, x1, y1)
        }
    }

    /// The largest factor at which one of `count` cut-outs fits its upright strip of the canvas: for two on a square that of
    /// a training composite, min((R/2 − R/32)/w, (R − R/32)/h).
    static func fullFactor(of box: PixelBox, count: Int, width: Int, height: Int) -> Double {
        let gap = min(width, height) / 32
        return min(Double(max(width / count - gap, 1)) / Double(box.width), Double(max(height - gap, 1)) / Double(box.height))
    }

    /// Draws sizes, order from left to right, places and who covers whom, as in training composites: the outer cut-outs keep
    /// a margin from 1 to W/(2n) to their own edge, the inner ones lie about the middle of their strip, one alone anywhere.
    ///
    /// Every number has its own draw, made whether it is needed or not.
    static func drawn(_ candidates: [CollagePlan.Candidate], width: Int, height: Int, from stream: inout RandomStream) -> Composition {
        let count = candidates.count
        precondition(count > 0, "Composition: nothing to place")
        let chances = candidates.map { _ in stream.uniform(0.75, 1) }
        let order = permutation(count, from: &stream), painting = permutation(count, from: &stream)
        let reach = max(1, width / (2 * count))
        let margins = candidates.map { _ in stream.integer(in: 1...reach) }
        let placements = candidates.indices.map { i in
            let candidate = candidates[i], strip = order.firstIndex(of: i)!
            let full = fullFactor(of: candidate.box, count: count, width: width, height: height)
            let factor = full * (candidate.scale ?? chances[i]), size = [candidate.box.width, candidate.box.height].map { max(1, Int(Double($0) * factor)) }
            let across = stream.integer(in: 0...(width - size[0])), y = stream.integer(in: 0...(height - size[1]))
            let x = switch strip {
            case _ where count == 1: across
            case 0: margins[i]
            case count - 1: width - size[0] - margins[i]
            default: (2 * strip + 1) * width / (2 * count) - size[0] / 2 + margins[i] - (reach + 1) / 2
            }
            return candidate.placed(factor: factor, size: size, x: min(max(x, 0), width - size[0]), y: y)
        }
        return Composition(width: width, height: height, placements: painting.map { placements[$0] })
    }

    /// Fits each cut-out into its box, as large as its proportions let it be, in the middle. What stands lower on the canvas
    /// lies in front.
    static func placed(_ candidates: [(candidate: CollagePlan.Candidate, box: Box)], width: Int, height: Int) -> Composition {
        let placements = candidates.map { candidate, box in
            let left = Int(box.x0 * Double(width)), top = Int(box.y0 * Double(height))
            let right = max(left + 1, Int(box.x1 * Double(width))), bottom = max(top + 1, Int(box.y1 * Double(height)))
            let factor = min(Double(right - left) / Double(candidate.box.width), Double(bottom - top) / Double(candidate.box.height))
            let size = [candidate.box.width, candidate.box.height].map { max(1, Int(Double($0) * factor)) }
            return candidate.placed(
                factor: factor, size: size, x: min(left + (right - left - size[0]) / 2, width - size[0]), y: min(top + (bottom - top - size[1]) / 2, height - size[1]))
        }
        let order = placements.indices.sorted { (candidates[$0].box.y1, $0) < (candidates[$1].box.y1, $1) }
        return Composition(width: width, height: height, placements: order.map { placements[$0] })
    }

    /// A random order of 0..<count (Fisher and Yates).
    private static func permutation(_ count: Int, from stream: inout RandomStream) -> [Int] {
        var order = Array(0..<count)
        for i in stride(from: count - 1, to: 0, by: -1) { order.swapAt(i, stream.integer(in: 0...i)) }
        return order
    }
}

extension CollagePlan.Candidate {
    fileprivate func placed(factor: Double, size: [Int], x: Int, y: Int) -> CollagePlan.Placement {
        .init(subject: photo.subject, file: photo.file, mask: photo.mask ?? "", box: box, factor: factor, size: size, x: x, y: y)
    }
}
