import Images
import Tensors

/// A picture that is drawn shape by shape with smooth edges, and the exact mask of what belongs to its subject.
struct Sketch {
    let width, height: Int
    private var colours: [Colour]
    /// How much of each pixel the subject covers.
    private var subject: [Double]

    init(width: Int, height: Int) {
        (self.width, self.height) = (width, height)
        colours = Array(repeating: .white, count: width * height)
        subject = Array(repeating: 0, count: width * height)
    }

    /// Who a shape belongs to: the subject's are in the mask; what is painted over the subject by others takes from it.
    enum Part { case scenery, subject }

    /// Paints every pixel.
    mutating func fill(_ paint: Paint) {
        for y in 0..<height {
            for x in 0..<width { colours[y * width + x] = paint.colour(Point(Double(x) + 0.5, Double(y) + 0.5), 1) }
        }
    }

    /// Paints a shape; `opacity` below 1 lets through what is behind it, and `softness` (in the figure's units) blurs its edge.
    mutating func fill(_ shape: Shape, _ paint: Paint, at placement: Placement, _ part: Part, opacity: Double = 1, softness: Double = 0) {
        let center = placement.pixel(shape.center), reach = (shape.radius + softness) * placement.scale + 2
        let rows = max(Int(center.y - reach), 0)..<max(min(Int(center.y + reach) + 1, height), 0)
        let columns = max(Int(center.x - reach), 0)..<max(min(Int(center.x + reach) + 1, width), 0)
        guard rows.lowerBound < rows.upperBound, columns.lowerBound < columns.upperBound else { return }
        let pixel = 1 / placement.scale, blur = max(pixel, softness)
        for y in rows {
            for x in columns {
                let p = placement.local(Point(Double(x) + 0.5, Double(y) + 0.5))
                let cover = min(max(0.5 - shape.distance(p) / blur, 0), 1) * opacity
                guard cover > 0 else { continue }
                let i = y * width + x
                colours[i] = colours[i].mixed(paint.colour(p, pixel), cover)
                subject[i] += cover * ((part == .subject ? 1 : 0) - subject[i])
            }
        }
    }

    /// The picture, with a little grain as a camera's.
    func photo(grain: Double, _ random: inout RandomStream) -> RGBImage {
        var bytes = [UInt8](repeating: 0, count: width * height * 3)
        for (i, colour) in colours.enumerated() {
            let bits = random.next32()
            // A triangular distribution over ±1.
            let noise = grain * (Double(bits & 0xFFFF) + Double(bits >> 16) - 65_535) / 65_535
            for (c, value) in [colour.r, colour.g, colour.b].enumerated() {
                bytes[3 * i + c] = UInt8(min(max(value * 255 + noise, 0), 255).rounded())
            }
        }
        return RGBImage(width: width, height: height, bytes: bytes)
    }

    /// 255 where the subject is, 0 where it is not.
    var mask: GrayImage {
        GrayImage(width: width, height: height, bytes: subject.map { UInt8(min(max($0 * 255, 0), 255).rounded()) })
    }
}
