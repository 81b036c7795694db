import Foundation

/// A round dog; (0, 0) is on the ground below it. Sitting it is about 2.1 units high, standing 1.8.
struct SpottedDog {
    enum Pose { case sitting, standing }

    var pose = Pose.sitting
    var coat = Colour(0xF7_F1_E6), spot = Colour(0x5A_3A_24), collar = Colour(0x2E_6F_C9)
    var isSpotted = true
    /// Tilt of the head in radians, lift of the tail.
    var tilt = 0.0, tail = 0.5
    var showsTongue = true

    func draw(into sketch: inout Sketch, at place: Placement) {
        sketch.fill(.ellipse(Point(0.05, 0.02), pose == .sitting ? 0.95 : 1.15, 0.13), .solid(.black), at: place, .scenery, opacity: 0.4, softness: 0.16)
        switch pose {
        case .sitting: drawSitting(into: &sketch, place)
        case .standing: drawStanding(into: &sketch, place)
        }
    }

    private func fur(_ spots: [(Point, Double)]) -> Paint { isSpotted ? .spots(coat, spot, spots) : .solid(coat) }

    private func drawSitting(into sketch: inout Sketch, _ place: Placement) {
        func put(_ shape: Shape, _ paint: Paint, _ strength: Double = 0.2) {
            sketch.fill(shape, paint.rounded(shape, strength: strength), at: place, .subject)
        }
        put(.capsule(Point(0.45, -0.2), Point(0.45 + 0.5 * cos(tail), -0.2 - 0.5 * sin(tail)), 0.1), fur([(Point(0.85, -0.45), 0.16)]))
        for side in [-1.0, 1.0] { put(.ellipse(Point(0.46 * side, -0.26), 0.3, 0.25), fur([(Point(0.6, -0.36), 0.1)])) }
        put(.ellipse(Point(0, -0.62), 0.6, 0.62), fur([(Point(-0.35, -0.75), 0.15), (Point(0.38, -0.55), 0.13), (Point(-0.12, -0.42), 0.07), (Point(0.3, -0.9), 0.08)]))
        for side in [-1.0, 1.0] {
            put(.capsule(Point(0.2 * side, -0.62), Point(0.22 * side, -0.16), 0.13), .solid(coat), 0.15)
            put(.ellipse(Point(0.24 * side, -0.1), 0.2, 0.115), .solid(coat))
        }
        put(.arc(Point(0, -1.34), 0.42, middle: .pi / 2, sweep: 0.95, width: 0.11), .solid(collar))
        put(.circle(Point(0, -0.88), 0.075), .solid(Colour(0xFF_C8_2E)))
        let head = Placement(origin: place.pixel(Point(0, -1.4)), scale: place.scale, angle: place.angle + (place.isMirrored ? -tilt : tilt), isMirrored: place.isMirrored)
        drawHead(into: &sketch, head)
    }

    /// The head from the front; (0, 0) is its middle.
    private func drawHead(into sketch: inout Sketch, _ place: Placement) {
        func put(_ shape: Shape, _ paint: Paint, _ strength: Double = 0.2) {
            sketch.fill(shape, paint.rounded(shape, strength: strength), at: place, .subject)
        }
        let face = isSpotted ? [(Point(0.2, -0.12), 0.2), (Point(-0.34, -0.34), 0.1)] : []
        put(.ellipse(Point(0, 0), 0.56, 0.52), fur(face))
        for side in [-1.0, 1.0] { put(.ellipse(Point(0.53 * side, 0.02), 0.17, 0.4, angle: -0.2 * side), .solid(spot)) }
        put(.ellipse(Point(0, 0.22), 0.31, 0.23), .solid(coat.mixed(.white, 0.6)), 0.12)
        if showsTongue { put(.ellipse(Point(0.02, 0.42), 0.09, 0.13), .solid(Colour(0xF0_7F_8E)), 0.12) }
        put(.arc(Point(-0.1, 0.27), 0.1, middle: .pi / 2, sweep: 1.3, width: 0.035), .solid(.black), 0)
        put(.arc(Point(0.1, 0.27), 0.1, middle: .pi / 2, sweep: 1.3, width: 0.035), .solid(.black), 0)
        put(.ellipse(Point(0, 0.12), 0.12, 0.085), .solid(.black), 0.3)
        sketch.fill(.ellipse(Point(-0.035, 0.09), 0.035, 0.02), .solid(.white), at: place, .subject, opacity: 0.7)
        for side in [-1.0, 1.0] {
            put(.circle(Point(0.21 * side, -0.1), 0.085), .solid(.black), 0)
            put(.circle(Point(0.21 * side + 0.03, -0.13), 0.026), .solid(.white), 0)
        }
    }

    private func drawStanding(into sketch: inout Sketch, _ place: Placement) {
        func put(_ shape: Shape, _ paint: Paint, _ strength: Double = 0.2) {
            sketch.fill(shape, paint.rounded(shape, strength: strength), at: place, .subject)
        }
        put(.capsule(Point(-0.72, -0.85), Point(-0.72 - 0.5 * cos(tail), -0.85 - 0.5 * sin(tail)), 0.09), fur([(Point(-1.1, -1.1), 0.15)]))
        // The legs of the far side first, in shade.
        for (x, isFar) in [(-0.36, true), (0.56, true), (-0.56, false), (0.36, false)] {
            let leg = isFar ? coat.lit(0.82) : coat
            put(.capsule(Point(x, -0.55), Point(x, -0.13), 0.13), .solid(leg), 0.15)
            put(.ellipse(Point(x + 0.05, -0.09), 0.19, 0.1), .solid(leg))
        }
        put(.ellipse(Point(0, -0.75), 0.82, 0.45), fur([
            (Point(-0.5, -0.9), 0.15), (Point(-0.1, -0.68), 0.17), (Point(0.28, -0.98), 0.12), (Point(0.5, -0.6), 0.1), (Point(-0.42, -0.52), 0.08),
        ]))
        put(.capsule(Point(0.58, -0.95), Point(0.74, -1.2), 0.26), .solid(coat), 0.1)
        put(.capsule(Point(0.46, -1.13), Point(0.82, -0.9), 0.06), .solid(collar))
        let head = Placement(origin: place.pixel(Point(0.82, -1.36)), scale: place.scale * 0.86, angle: place.angle + (place.isMirrored ? -tilt : tilt), isMirrored: place.isMirrored)
        drawHead(into: &sketch, head)
    }
}
