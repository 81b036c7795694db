import Images

/// Which pixels belong to the subject: `[height, width]`, 1 or 0.
public struct BinaryMask: Equatable, Sendable {
    public let width: Int, height: Int
    public var bits: [UInt8]

    public init(width: Int, height: Int, bits: [UInt8]) {
        precondition(width > 0 && height > 0 && bits.count == width * height, "BinaryMask: \(bits.count) bits for \(width)×\(height)")
        (self.width, self.height, self.bits) = (width, height, bits)
    }

    /// What is brighter than `threshold`.
    public init(_ image: GrayImage, above threshold: UInt8 = 127) {
        self.init(width: image.width, height: image.height, bits: image.bytes.map { $0 > threshold ? 1 : 0 })
    }

    /// 0 and 255.
    public var image: GrayImage { GrayImage(width: width, height: height, bytes: bits.map { $0 == 0 ? 0 : 255 }) }

    public var area: Int { bits.reduce(0) { $0 + Int($1) } }

    /// The share of the picture that is covered.
    public var coverage: Double { Double(area) / Double(width * height) }

    /// The smallest box around all of it; nil where it is empty.
    public var box: PixelBox? {
        var box = PixelBox(x0: width, y0: height, x1: 0, y1: 0)
        bits.withUnsafeBufferPointer { bits in
            for y in 0..<height {
                let row = UnsafeBufferPointer(rebasing: bits[y * width..<(y + 1) * width])
                guard let first = row.firstIndex(of: 1), let last = row.lastIndex(of: 1) else { continue }
                box = PixelBox(x0: min(box.x0, first), y0: min(box.y0, y), x1: max(box.x1, last + 1), y1: y + 1)
            }
        }
        return box.x1 > box.x0 ? box : nil
    }

    /// Area in both by area in either; 0 where both are empty.
    public func intersectionOverUnion(_ other: BinaryMask) -> Double {
        precondition(width == other.width && height == other.height, "BinaryMask: \(width)×\(height) and \(other.width)×\(other.height)")
        var both = 0, either = 0
        bits.withUnsafeBufferPointer { a in
            other.bits.withUnsafeBufferPointer { b in
                for i in 0..<a.count {
                    both += Int(a[i] & b[i])
                    either += Int(a[i] | b[i])
                }
            }
        }
        return either == 0 ? 0 : Double(both) / Double(either)
    }
}
