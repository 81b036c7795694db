import Foundation

/// A colour, each part from 0 to 1.
struct Colour: Equatable {
    var r, g, b: Double

    init(_ r: Double, _ g: Double, _ b: Double) { (self.r, self.g, self.b) = (r, g, b) }

    /// `0xRRGGBB`
    init(_ hex: Int) { self.init(Double(hex >> 16 & 255) / 255, Double(hex >> 8 & 255) / 255, Double(hex & 255) / 255) }

    func mixed(_ other: Colour, _ share: Double) -> Colour {
        Colour(r + (other.r - r) * share, g + (other.g - g) * share, b + (other.b - b) * share)
    }

    func lit(_ factor: Double) -> Colour { Colour(r * factor, g * factor, b * factor) }

    static let white = Colour(1, 1, 1), black = Colour(0.06, 0.06, 0.08)
}

/// What a shape is filled with.
struct Paint {
    /// The colour at a place of the figure; `pixel` is the size of a pixel in the figure's units.
    let colour: (_ place: Point, _ pixel: Double) -> Colour

    static func solid(_ colour: Colour) -> Paint { Paint { _, _ in colour } }

    /// From `top` at `from` to `bottom` at `to`, along y.
    static func vertical(_ top: Colour, _ bottom: Colour, from: Double, to: Double) -> Paint {
        Paint { p, _ in top.mixed(bottom, min(max((p.y - from) / (to - from), 0), 1)) }
    }

    /// Bands across the figure, each half a `period` high.
    static func stripes(_ first: Colour, _ second: Colour, period: Double, phase: Double = 0) -> Paint {
        Paint { p, pixel in
            let t = (p.y - phase) / period
            // Distance to the nearest edge, positive in the second colour.
            let edge = (abs(t - t.rounded(.down) - 0.5) - 0.25) * period
            return first.mixed(second, min(max(0.5 - edge / pixel, 0), 1))
        }
    }

    /// Discs on a ground.
    static func spots(_ ground: Colour, _ colour: Colour, _ spots: [(Point, Double)]) -> Paint {
        Paint { p, pixel in
            let nearest = spots.map { (p - $0.0).length - $0.1 }.min() ?? 1
            return ground.mixed(colour, min(max(0.5 - nearest / pixel, 0), 1))
        }
    }

    /// The same on something round, lit from the upper left: bright where `shape` faces the light, dark towards its edge.
    func rounded(_ shape: Shape, strength: Double = 0.24) -> Paint {
        Paint { [colour] p, pixel in
            let n = (p - shape.center) * (1 / shape.radius)
            let facing = -(0.5 * n.x + 0.8 * n.y)
            let depth = min(max(-shape.distance(p) / (0.22 * shape.radius), 0), 1)
            let rim = depth * (2 - depth)
            return colour(p, pixel).lit((1 + strength * facing) * (1 - 0.9 * strength * (1 - rim)))
        }
    }
}
