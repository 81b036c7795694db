import Foundation

/// A place or a direction in the plane; y points down.
struct Point: Equatable {
    var x, y: Double

    init(_ x: Double, _ y: Double) { (self.x, self.y) = (x, y) }

    var length: Double { (x * x + y * y).squareRoot() }

    /// Clockwise as seen, in radians.
    func rotated(by angle: Double) -> Point { Point(x * cos(angle) - y * sin(angle), x * sin(angle) + y * cos(angle)) }

    static func + (a: Point, b: Point) -> Point { Point(a.x + b.x, a.y + b.y) }
    static func - (a: Point, b: Point) -> Point { Point(a.x - b.x, a.y - b.y) }
    static func * (a: Point, factor: Double) -> Point { Point(a.x * factor, a.y * factor) }

    func dot(_ other: Point) -> Double { x * other.x + y * other.y }
}

/// Where a figure stands in the picture: its own units to pixels.
struct Placement {
    /// Pixels of the figure's (0, 0).
    var origin: Point
    /// Pixels per unit.
    var scale: Double
    /// Clockwise, in radians.
    var angle = 0.0
    var isMirrored = false

    func pixel(_ p: Point) -> Point { Point(isMirrored ? -p.x : p.x, p.y).rotated(by: angle) * scale + origin }

    func local(_ pixel: Point) -> Point {
        let p = ((pixel - origin) * (1 / scale)).rotated(by: -angle)
        return Point(isMirrored ? -p.x : p.x, p.y)
    }

    /// Picture coordinates themselves.
    static let pixels = Placement(origin: Point(0, 0), scale: 1)
}
