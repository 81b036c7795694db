/// What the 8-bit pictures have in common: interleaved bytes `[height, width, channels]`.
public protocol Raster {
    static var channels: Int { get }
    var width: Int { get }
    var height: Int { get }
    var bytes: [UInt8] { get set }
    init(width: Int, height: Int, bytes: [UInt8])
}

extension Raster {
    public init(width: Int, height: Int, filledWith value: UInt8) {
        self.init(width: width, height: height, bytes: [UInt8](repeating: value, count: width * height * Self.channels))
    }

    static func check(_ width: Int, _ height: Int, _ count: Int) {
        precondition(width > 0 && height > 0 && count == width * height * channels,
                     "\(Self.self): \(count) bytes for \(width)×\(height)×\(channels)")
    }

    /// The pixels inside `box`, which lies inside the picture.
    public func cropped(to box: PixelBox) -> Self {
        precondition(box.isInside(width: width, height: height), "crop: \(box) of \(width)×\(height)")
        if box.width == width && box.height == height { return self }
        let row = box.width * Self.channels
        let cut = [UInt8](unsafeUninitializedCapacity: row * box.height) { out, count in
            bytes.withUnsafeBufferPointer { pixels in
                for y in 0..<box.height {
                    let from = ((box.y0 + y) * width + box.x0) * Self.channels
                    (out.baseAddress! + y * row).initialize(from: pixels.baseAddress! + from, count: row)
                }
            }
            count = row * box.height
        }
        return Self(width: box.width, height: box.height, bytes: cut)
    }
}
