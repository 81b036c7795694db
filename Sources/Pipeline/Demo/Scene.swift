import Foundation
import Tensors

/// What stands behind a subject.
enum Scene: String, CaseIterable {
    case table, meadow, studio, beach, room, lights

    /// As a caption says it.
    var words: String {
        switch self {
        case .table: "on a wooden table"
        case .meadow: "on a green meadow under a blue sky"
        case .studio: "in front of a plain backdrop"
        case .beach: "on the beach at sunset"
        case .room: "in a room with striped wallpaper"
        case .lights: "at night with blurred lights behind"
        }
    }

    /// Paints the whole picture; the ground begins at `horizon` pixels from the top.
    func draw(into sketch: inout Sketch, horizon: Double, _ random: inout RandomStream) {
        let width = Double(sketch.width), height = Double(sketch.height)
        func band(_ top: Colour, _ bottom: Colour, from: Double, to: Double) {
            let shape = Shape.box(Point(width / 2, (from + to) / 2), width, (to - from) / 2)
            sketch.fill(shape, .vertical(top, bottom, from: from, to: to), at: .pixels, .scenery)
        }
        func put(_ shape: Shape, _ colour: Colour, opacity: Double = 1, softness: Double = 0) {
            sketch.fill(shape, .solid(colour), at: .pixels, .scenery, opacity: opacity, softness: softness)
        }
        switch self {
        case .table:
            band(Colour(0xE9_E2_D4), Colour(0xD2_C6_B0), from: 0, to: horizon)
            let window = Point(width * random.uniform(0.62, 0.8), horizon * 0.4), half = height * 0.13
            put(.box(window, half, half * 1.2, corner: 4), .white)
            for (dx, dy) in [(-1.0, -1.0), (1, -1), (-1, 1), (1, 1)] {
                put(.box(window + Point(dx * half * 0.46, dy * half * 0.56), half * 0.4, half * 0.5), Colour(0xA8_D4_EE))
            }
            band(Colour(0xB9_7F_4C), Colour(0x8E_59_30), from: horizon, to: height)
            for i in 0..<5 {
                let y = horizon + (height - horizon) * pow(Double(i) / 5, 1.4)
                put(.box(Point(width / 2, y), width, 1.1), Colour(0x6E_42_22), opacity: 0.7)
                for _ in 0..<4 {
                    let x = random.uniform(0, width), grain = random.uniform(0.03, 0.12) * width
                    put(.capsule(Point(x, y + 9), Point(x + grain, y + 9), 0.8), Colour(0x6E_42_22), opacity: 0.35)
                }
            }
        case .meadow:
            band(Colour(0x6D_B4_EC), Colour(0xCF_E9_F7), from: 0, to: horizon)
            for _ in 0..<3 {
                let at = Point(random.uniform(0, width), random.uniform(0.12, 0.55) * horizon), size = random.uniform(0.04, 0.07) * width
                for (dx, r) in [(-1.3, 0.7), (0, 1.0), (1.2, 0.8), (2.2, 0.5)] { put(.circle(at + Point(dx * size, -r * size * 0.3), r * size), .white, opacity: 0.9, softness: size * 0.3) }
            }
            put(.ellipse(Point(width * random.uniform(0.1, 0.4), horizon + 0.1 * height), width * 0.6, 0.2 * height), Colour(0x8C_BF_6B))
            put(.ellipse(Point(width * random.uniform(0.7, 1.0), horizon + 0.14 * height), width * 0.5, 0.2 * height), Colour(0x79_B0_5A))
            band(Colour(0x74_B6_4E), Colour(0x3F_86_36), from: horizon, to: height)
            for _ in 0..<160 {
                let x = random.uniform(0, width), y = random.uniform(horizon, height), size = 4 + 14 * (y - horizon) / (height - horizon)
                put(.capsule(Point(x, y), Point(x + random.uniform(-0.4, 0.4) * size, y - size), 1), Colour(0x2F_70_2B), opacity: 0.5)
            }
            for _ in 0..<14 {
                let at = Point(random.uniform(0, width), random.uniform(horizon, height))
                put(.circle(at, 3.4), .white)
                put(.circle(at, 1.5), Colour(0xFF_D2_3E))
            }
        case .studio:
            let tint = [Colour(0xC9_D6_DF), Colour(0xE5_CF_C6), Colour(0xD3_DF_C8), Colour(0xDC_D2_E6)][random.integer(in: 0...3)]
            sketch.fill(Paint { p, _ in
                let d = Point((p.x - 0.5 * width) / width, (p.y - 0.42 * height) / height).length
                let floor = 1 / (1 + exp(-(p.y - horizon) / (0.03 * height)))
                return tint.lit(1.08 - 0.55 * d).mixed(.white, 0.25 * floor)
            })
        case .beach:
            band(Colour(0xF2_7E_5B), Colour(0xFF_D9_98), from: 0, to: horizon * 0.8)
            put(.circle(Point(width * random.uniform(0.2, 0.8), horizon * 0.72), 0.08 * width), Colour(0xFF_F3_C9), softness: 6)
            band(Colour(0x3B_7F_A6), Colour(0x62_B0_BE), from: horizon * 0.78, to: horizon)
            for _ in 0..<26 {
                let at = Point(random.uniform(0, width), random.uniform(0.8, 0.98) * horizon)
                put(.capsule(at, at + Point(random.uniform(0.02, 0.08) * width, 0), 0.9), Colour(0xFF_E7_C2), opacity: 0.6)
            }
            band(Colour(0xE9_CF_9C), Colour(0xC8_A1_6B), from: horizon, to: height)
            for _ in 0..<220 { put(.circle(Point(random.uniform(0, width), random.uniform(horizon, height)), 1.1), Colour(0x9E_7A_4C), opacity: 0.4) }
        case .room:
            let wall = [Colour(0xBF_D3_C8), Colour(0xE6_C9_B4), Colour(0xC4_CD_E4)][random.integer(in: 0...2)]
            band(wall, wall.lit(0.9), from: 0, to: horizon)
            let pitch = width / 11
            for i in 0..<12 { put(.box(Point((Double(i) + 0.25) * pitch, horizon / 2), pitch / 4, horizon / 2), wall.mixed(.white, 0.35)) }
            let frame = Point(width * random.uniform(0.16, 0.28), horizon * 0.34), half = height * 0.1
            put(.box(frame, half * 1.25, half, corner: 3), Colour(0x5B_40_2C))
            put(.box(frame, half * 1.1, half * 0.85), Colour(0xF6_EF_DF))
            put(.ellipse(frame + Point(0, half * 0.3), half * 0.8, half * 0.4), Colour(0x7B_A7_8C))
            put(.circle(frame + Point(half * 0.4, -half * 0.35), half * 0.2), Colour(0xF0_B4_4C))
            put(.box(Point(width / 2, horizon - 0.012 * height), width, 0.014 * height), .white)
            band(Colour(0xA8_72_55), Colour(0x83_51_3B), from: horizon, to: height)
            put(.ellipse(Point(width / 2, height * 0.95), width * 0.46, height * 0.12), Colour(0x4F_6D_8F))
            put(.ellipse(Point(width / 2, height * 0.95), width * 0.4, height * 0.1), Colour(0x9F_B4_C9))
        case .lights:
            band(Colour(0x14_1B_33), Colour(0x2C_2A_4A), from: 0, to: horizon)
            for _ in 0..<34 {
                let colour = [Colour(0xFF_B3_5C), Colour(0xFF_6F_61), Colour(0x6F_C7_FF), Colour(0xFF_EB_A8)][random.integer(in: 0...3)]
                let r = random.uniform(0.012, 0.05) * width
                put(.circle(Point(random.uniform(0, width), random.uniform(0, 0.95) * horizon), r), colour, opacity: random.uniform(0.25, 0.6), softness: 0.3 * r)
            }
            band(Colour(0x39_33_4F), Colour(0x1B_1A_2C), from: horizon, to: height)
        }
    }
}
