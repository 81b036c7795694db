import Foundation

/// A region of the plane by its signed distance function (negative inside), and a disc that holds it.
struct Shape {
    let distance: (Point) -> Double
    let center: Point, radius: Double

    static func circle(_ center: Point, _ radius: Double) -> Shape {
        Shape(distance: { ($0 - center).length - radius }, center: center, radius: radius)
    }

    /// First-order distance, exact on the edge.
    static func ellipse(_ center: Point, _ rx: Double, _ ry: Double, angle: Double = 0) -> Shape {
        Shape(distance: {
            let p = ($0 - center).rotated(by: -angle)
            let k0 = Point(p.x / rx, p.y / ry).length, k1 = Point(p.x / (rx * rx), p.y / (ry * ry)).length
            return k1 == 0 ? -min(rx, ry) : k0 * (k0 - 1) / k1
        }, center: center, radius: max(rx, ry))
    }

    /// Half its width, half its height, and the radius of its corners.
    static func box(_ center: Point, _ halfWidth: Double, _ halfHeight: Double, corner: Double = 0) -> Shape {
        Shape(distance: {
            let p = $0 - center
            let q = Point(abs(p.x) - halfWidth + corner, abs(p.y) - halfHeight + corner)
            return min(max(q.x, q.y), 0) + Point(max(q.x, 0), max(q.y, 0)).length - corner
        }, center: center, radius: Point(halfWidth, halfHeight).length)
    }

    /// All that is nearer than `radius` to the segment from `a` to `b`.
    static func capsule(_ a: Point, _ b: Point, _ radius: Double) -> Shape {
        let along = b - a, square = max(along.dot(along), 1e-12)
        return Shape(distance: {
            let p = $0 - a
            return (p - along * min(max(p.dot(along) / square, 0), 1)).length - radius
        }, center: (a + b) * 0.5, radius: along.length / 2 + radius)
    }

    /// A stroke along a circle, `sweep` radians to both sides of the direction `middle`.
    static func arc(_ center: Point, _ radius: Double, middle: Double, sweep: Double, width: Double) -> Shape {
        Shape(distance: {
            let p = ($0 - center).rotated(by: -middle)
            let angle = min(abs(atan2(p.y, p.x)), sweep)
            return (Point(p.x, abs(p.y)) - Point(cos(angle), sin(angle)) * radius).length - width / 2
        }, center: center, radius: radius + width)
    }
}
