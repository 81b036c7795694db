/// A rectangle of whole pixels; `x1` and `y1` are exclusive.
public struct PixelBox: Equatable, Hashable, Sendable, CustomStringConvertible {
    public var x0: Int, y0: Int, x1: Int, y1: Int

    public init(x0: Int, y0: Int, x1: Int, y1: Int) {
        (self.x0, self.y0, self.x1, self.y1) = (x0, y0, x1, y1)
    }

    public var width: Int { x1 - x0 }
    public var height: Int { y1 - y0 }
    public var area: Int { width * height }
    public var description: String { "[\(x0), \(y0), \(x1), \(y1)]" }

    public func isInside(width: Int, height: Int) -> Bool {
        0 <= x0 && x0 < x1 && x1 <= width && 0 <= y0 && y0 < y1 && y1 <= height
    }
}

/// In JSON: `[x0, y0, x1, y1]`.
extension PixelBox: Codable {
    public init(from decoder: any Decoder) throws {
        var values = try decoder.unkeyedContainer()
        self.init(x0: try values.decode(Int.self), y0: try values.decode(Int.self),
                  x1: try values.decode(Int.self), y1: try values.decode(Int.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.unkeyedContainer()
        for value in [x0, y0, x1, y1] { try values.encode(value) }
    }
}
