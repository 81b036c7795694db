import Images

/// What stands out in a photo: one object with its box, as far as saliency tells.
public struct SalientSubject: Sendable {
    /// Where it is, in the saliency map's size.
    public let mask: BinaryMask
    public let box: PixelBox
    /// Area of the largest other object by that of the largest one, 0 where there is none. Pieces whose boxes touch or
    /// overlap count as one object.
    public let rival: Double

    /// Pieces below this share of the largest one are specks.
    static let speck = 0.1
    /// What covers less of the photo than this does not stand out.
    static let leastCoverage = 0.001

    /// nil where nothing stands out.
    public init?(_ saliency: PixelMap, threshold: Float = 0.5) {
        let mask = saliency.above(threshold).cleaned(piece: Self.speck)
        guard let box = mask.box, mask.coverage >= Self.leastCoverage else { return nil }
        (self.mask, self.box) = (mask, box)
        rival = Self.rival(among: Components(of: mask).pieces)
    }

    /// Joins pieces whose boxes touch, until none do, and compares the two largest.
    static func rival(among pieces: [Components.Piece]) -> Double {
        var objects = pieces.map { (area: $0.area, box: $0.box) }
        var joined = true
        while joined {
            joined = false
            search: for i in objects.indices {
                for j in objects.indices where j > i && objects[i].box.touches(objects[j].box) {
                    objects[i] = (objects[i].area + objects[j].area, objects[i].box.union(objects[j].box))
                    objects.remove(at: j)
                    joined = true
                    break search
                }
            }
        }
        let areas = objects.map(\.area).sorted(by: >)
        return areas.count > 1 ? Double(areas[1]) / Double(areas[0]) : 0
    }
}

extension PixelBox {
    func touches(_ other: PixelBox) -> Bool { x0 <= other.x1 && other.x0 <= x1 && y0 <= other.y1 && other.y0 <= y1 }

    func union(_ other: PixelBox) -> PixelBox {
        PixelBox(x0: min(x0, other.x0), y0: min(y0, other.y0), x1: max(x1, other.x1), y1: max(y1, other.y1))
    }

    /// Larger by a share of its own width on the left and right and of its height above and below, kept inside.
    func grown(by share: Double, width: Int, height: Int) -> PixelBox {
        let dx = Int((Double(self.width) * share).rounded()), dy = Int((Double(self.height) * share).rounded())
        return PixelBox(x0: max(0, x0 - dx), y0: max(0, y0 - dy), x1: min(width, x1 + dx), y1: min(height, y1 + dy))
    }
}
