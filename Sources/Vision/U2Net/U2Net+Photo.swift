import Images
import Tensors

extension U2Net {
    private static let mean: [Float] = [0.485, 0.456, 0.406], deviation: [Float] = [0.229, 0.224, 0.225]

    /// How salient each pixel of a photo is, from 0 to 1, in the photo's size.
    ///
    /// As the original and rembg prepare it: squeezed into a square (Lanczos), divided by its largest value, normalised
    /// by ImageNet's mean and deviation. The answer is interpolated bilinearly.
    public func saliency(of photo: RGBImage) -> PixelMap {
        let side = inputSize, small = photo.resized(width: side, height: side, .lanczos)
        let largest = max(1, Float(small.bytes.max() ?? 0))
        var values = [Float](repeating: 0, count: side * side * 3)
        for (i, byte) in small.bytes.enumerated() { values[i] = (Float(byte) / largest - Self.mean[i % 3]) / Self.deviation[i % 3] }
        let map = self(Tensor(values, shape: [1, side, side, 3])).resizedBilinear(height: photo.height, width: photo.width)
        return PixelMap(width: photo.width, height: photo.height, values: map.values)
    }
}

