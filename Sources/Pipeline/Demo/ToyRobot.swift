import Foundation

/// A toy robot of painted wood, about 2.5 units high; (0, 0) is between its feet.
struct ToyRobot {
    var body = Paint.stripes(Colour(0xD8_34_2F), Colour(0xF6_E9_D2), period: 0.34, phase: -1.36)
    var head = Colour(0x2F_8F_9D)
    var limbs = Colour(0x8D_95_A0)
    var feet = Colour(0xD8_34_2F)
    var lamp = Colour(0xFF_C8_2E)
    var hasAntenna = true
    /// Of the arms, in radians from hanging down; positive lifts.
    var leftArm = 0.25, rightArm = 0.25
    /// Where the eyes look, −1…1.
    var gaze = 0.0

    func draw(into sketch: inout Sketch, at place: Placement) {
        func put(_ shape: Shape, _ paint: Paint, _ strength: Double = 0.24) {
            sketch.fill(shape, paint.rounded(shape, strength: strength), at: place, .subject)
        }
        sketch.fill(.ellipse(Point(0.08, 0.02), 0.85, 0.13), .solid(.black), at: place, .scenery, opacity: 0.42, softness: 0.16)

        for side in [-1.0, 1.0] {
            put(.box(Point(0.26 * side, -0.28), 0.13, 0.2, corner: 0.04), .solid(limbs))
            put(.box(Point(0.31 * side, -0.1), 0.25, 0.115, corner: 0.09), .solid(feet))
            let angle = side < 0 ? leftArm : rightArm
            let shoulder = Point(0.58 * side, -1.22)
            let hand = shoulder + Point(sin(angle) * side, cos(angle)) * 0.68
            put(.capsule(shoulder, hand, 0.105), .solid(limbs))
            put(.circle(hand, 0.165), .solid(feet))
            put(.circle(shoulder, 0.15), .solid(lamp))
        }
        if hasAntenna {
            put(.capsule(Point(0, -2.05), Point(0, -2.38), 0.035), .solid(limbs))
            put(.circle(Point(0, -2.42), 0.1), .solid(lamp))
        }
        put(.box(Point(0, -1.42), 0.17, 0.12), .solid(limbs))
        put(.box(Point(0, -0.86), 0.57, 0.5, corner: 0.15), body)
        let panel = Shape.box(Point(0, -0.93), 0.26, 0.17, corner: 0.06)
        put(panel, .solid(Colour(0x2B_31_3B)))
        for (x, colour) in [(-0.14, Colour(0xE8_4A_3F)), (0, lamp), (0.14, Colour(0x63_C7_6A))] { put(.circle(Point(x, -0.93), 0.052), .solid(colour)) }

        for side in [-1.0, 1.0] { put(.box(Point(0.5 * side, -1.76), 0.09, 0.13, corner: 0.04), .solid(limbs)) }
        put(.box(Point(0, -1.76), 0.47, 0.34, corner: 0.17), .solid(head))
        for side in [-1.0, 1.0] {
            put(.circle(Point(0.19 * side, -1.82), 0.135), .solid(.white), 0.1)
            put(.circle(Point(0.19 * side + 0.05 * gaze, -1.81), 0.066), .solid(.black), 0)
            put(.circle(Point(0.19 * side + 0.05 * gaze + 0.025, -1.84), 0.02), .solid(.white), 0)
        }
        let mouth = Shape.box(Point(0, -1.57), 0.2, 0.065, corner: 0.03)
        put(mouth, .solid(Colour(0xF2_F0_E6)), 0.1)
        for x in [-0.1, 0, 0.1] { put(.box(Point(x, -1.57), 0.009, 0.06), .solid(Colour(0x2B_31_3B)), 0) }
    }
}
