import Images
import Tensors

/// A number for each pixel: how salient it is, or a mask's logit. `[height, width]`.
public struct PixelMap: Sendable {
    public let width: Int, height: Int
    public var values: [Float]

    public init(width: Int, height: Int, values: [Float]) {
        precondition(width > 0 && height > 0 && values.count == width * height, "PixelMap: \(values.count) values for \(width)×\(height)")
        (self.width, self.height, self.values) = (width, height, values)
    }

    public init(width: Int, height: Int, filledWith value: Float) {
        self.init(width: width, height: height, values: Array(repeating: value, count: width * height))
    }

    /// Interpolated bilinearly, without antialiasing.
    public func resized(width newWidth: Int, height newHeight: Int) -> PixelMap {
        if newWidth == width, newHeight == height { return self }
        let map = Tensor(values, shape: [1, height, width, 1]).resizedBilinear(height: newHeight, width: newWidth)
        return PixelMap(width: newWidth, height: newHeight, values: map.values)
    }

    /// This map at its place in a larger one, `fill` around it.
    public func placed(at box: PixelBox, width outerWidth: Int, height outerHeight: Int, fill: Float) -> PixelMap {
        precondition(box.isInside(width: outerWidth, height: outerHeight) && box.width == width && box.height == height,
                     "PixelMap: \(width)×\(height) at \(box) of \(outerWidth)×\(outerHeight)")
        var outer = PixelMap(width: outerWidth, height: outerHeight, filledWith: fill)
        for y in 0..<height {
            let to = (box.y0 + y) * outerWidth + box.x0
            outer.values.replaceSubrange(to..<to + width, with: values[y * width..<(y + 1) * width])
        }
        return outer
    }

    public static func + (a: PixelMap, b: PixelMap) -> PixelMap {
        precondition(a.width == b.width && a.height == b.height, "PixelMap: \(a.width)×\(a.height) + \(b.width)×\(b.height)")
        return PixelMap(width: a.width, height: a.height, values: zip(a.values, b.values).map(+))
    }

    /// The pixels whose value is greater.
    public func above(_ threshold: Float) -> BinaryMask {
        BinaryMask(width: width, height: height, bits: values.map { $0 > threshold ? 1 : 0 })
    }
}
