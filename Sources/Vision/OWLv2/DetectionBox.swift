import Images

/// A rectangle in pixels of the upright photo, with fractions; it may reach over the photo's edges.
public struct DetectionBox: Equatable, Sendable {
    public var x0, y0, x1, y1: Double

    public init(x0: Double, y0: Double, x1: Double, y1: Double) { (self.x0, self.y0, self.x1, self.y1) = (x0, y0, x1, y1) }

    public var width: Double { x1 - x0 }
    public var height: Double { y1 - y0 }
    public var area: Double { max(width, 0) * max(height, 0) }

    /// What both cover.
    public func intersection(_ other: DetectionBox) -> Double {
        max(min(x1, other.x1) - max(x0, other.x0), 0) * max(min(y1, other.y1) - max(y0, other.y0), 0)
    }

    /// Intersection over union, 0 to 1.
    public func overlap(_ other: DetectionBox) -> Double {
        let both = intersection(other), either = area + other.area - both
        return either > 0 ? both / either : 0
    }

    /// The whole pixels of a photo that it covers, edges rounded; at least one, the nearest where it lies outside.
    public func pixels(width: Int, height: Int) -> PixelBox {
        func span(_ low: Double, _ high: Double, _ size: Int) -> (Int, Int) {
            let first = Int(min(max(low.rounded(), 0), Double(size - 1)))
            return (first, max(Int(min(max(high.rounded(), 0), Double(size))), first + 1))
        }
        let (left, right) = span(x0, x1, width), (top, bottom) = span(y0, y1, height)
        return PixelBox(x0: left, y0: top, x1: right, y1: bottom)
    }
}

/// In JSON: `[x0, y0, x1, y1]`.
extension DetectionBox: Codable {
    public init(from decoder: any Decoder) throws {
        var values = try decoder.unkeyedContainer()
        self.init(
            x0: try values.decode(Double.self), y0: try values.decode(Double.self), x1: try values.decode(Double.self),
            y1: try values.decode(Double.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.unkeyedContainer()
        for value in [x0, y0, x1, y1] { try values.encode(value) }
    }
}
