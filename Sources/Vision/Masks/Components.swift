import Images

/// The connected pieces of a mask, each pixel touching the next by a side, largest first.
///
/// Runs of equal pixels in a row are joined with those they touch in the row above (Rosenfeld and Pfaltz 1966), so the
/// work grows with the outline's length rather than with the area.
public struct Components {
    public struct Piece: Sendable {
        public let area: Int
        public let box: PixelBox
        /// It touches the picture's edge.
        public let touchesEdge: Bool
        fileprivate let label: Int
    }

    private struct Run { let y: Int, x0: Int, x1: Int }

    public let pieces: [Piece]
    private let runs: [Run]
    private let labels: [Int]

    /// The pieces of `value` (1: of the mask, 0: of what is around and inside it).
    public init(of mask: BinaryMask, value: UInt8 = 1) {
        var runs: [Run] = [], parents: [Int] = []
        func root(_ i: Int) -> Int {
            var i = i
            while parents[i] != i {
                parents[i] = parents[parents[i]]
                i = parents[i]
            }
            return i
        }
        var above = 0..<0
        mask.bits.withUnsafeBufferPointer { bits in
            for y in 0..<mask.height {
                let begin = runs.count
                var x = 0, candidate = above.lowerBound
                let row = y * mask.width
                while x < mask.width {
                    guard bits[row + x] == value else { x += 1; continue }
                    let x0 = x
                    while x < mask.width, bits[row + x] == value { x += 1 }
                    let index = runs.count
                    runs.append(Run(y: y, x0: x0, x1: x))
                    parents.append(index)
                    while candidate < above.upperBound, runs[candidate].x1 <= x0 { candidate += 1 }
                    var other = candidate
                    while other < above.upperBound, runs[other].x0 < x {
                        let a = root(other), b = root(index)
                        parents[max(a, b)] = min(a, b)
                        other += 1
                    }
                }
                above = begin..<runs.count
            }
        }
        labels = runs.indices.map(root)
        self.runs = runs
        var areas: [Int: Int] = [:], boxes: [Int: PixelBox] = [:]
        for (run, label) in zip(runs, labels) {
            areas[label, default: 0] += run.x1 - run.x0
            let old = boxes[label] ?? PixelBox(x0: run.x0, y0: run.y, x1: run.x1, y1: run.y + 1)
            boxes[label] = PixelBox(x0: min(old.x0, run.x0), y0: old.y0, x1: max(old.x1, run.x1), y1: run.y + 1)
        }
        pieces = areas.map { label, area in
            let box = boxes[label]!
            let atEdge = box.x0 == 0 || box.y0 == 0 || box.x1 == mask.width || box.y1 == mask.height
            return Piece(area: area, box: box, touchesEdge: atEdge, label: label)
        }.sorted { ($0.area, $1.label) > ($1.area, $0.label) }
    }

    /// Sets every pixel of some pieces in a mask of the same size.
    public func paint(_ chosen: [Piece], _ value: UInt8, in mask: inout BinaryMask) {
        let wanted = Set(chosen.map(\.label)), width = mask.width
        mask.bits.withUnsafeMutableBufferPointer { bits in
            for (run, label) in zip(runs, labels) where wanted.contains(label) {
                for i in run.y * width + run.x0..<run.y * width + run.x1 { bits[i] = value }
            }
        }
    }
}
