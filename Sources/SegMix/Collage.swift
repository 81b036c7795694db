import Images

/// A composite: the cut-outs on a white canvas, and where they are.
public struct Collage: Equatable, Sendable {
    /// `[height, width, 3]`
    public let picture: RGBImage
    /// `[height, width]`: 1 where any cut-out lies, else 0.
    public let union: GrayImage

    /// Pastes `layers` one over the other, the first one lowest.
    ///
    /// Each is resized (bicubic, antialiased; photo and mask alike) to `size`; of it is pasted what its resized
    /// mask shows with a value above 122. All of it lies on the canvas.
    public init(width canvasWidth: Int, height canvasHeight: Int, layers: [(cutOut: MaskedImage, size: [Int], x: Int, y: Int)]) {
        var picture = RGBImage(width: canvasWidth, height: canvasHeight, filledWith: 255)
        var union = GrayImage(width: canvasWidth, height: canvasHeight, filledWith: 0)
        for layer in layers {
            let (width, height) = (layer.size[0], layer.size[1])
            precondition(layer.x >= 0 && layer.y >= 0 && layer.x + width <= canvasWidth && layer.y + height <= canvasHeight,
                         "Collage: \(width)×\(height) at (\(layer.x), \(layer.y)) on \(canvasWidth)×\(canvasHeight)")
            let image = layer.cutOut.resized(width: width, height: height, .bicubic)
            image.bytes.withUnsafeBufferPointer { source in
                picture.bytes.withUnsafeMutableBufferPointer { colors in
                    union.bytes.withUnsafeMutableBufferPointer { covered in
                        var from = 0
                        for y in 0..<height {
                            var to = (layer.y + y) * canvasWidth + layer.x
                            for _ in 0..<width {
                                if source[from + 3] > CutOut.pasteThreshold {
                                    for c in 0..<3 { colors[3 * to + c] = source[from + c] }
                                    covered[to] = 1
                                }
                                from += 4
                                to += 1
                            }
                        }
                    }
                }
            }
        }
        (self.picture, self.union) = (picture, union)
    }

    /// What `plan` describes; `cutOuts` in the order of its subjects.
    public init(_ plan: CollagePlan, side: Int, cutOuts: [CutOut]) {
        precondition(cutOuts.map(\.box) == plan.subjects.map(\.box), "Collage: boxes \(cutOuts.map(\.box)) for \(plan.subjects.map(\.box))")
        self.init(width: side, height: side, layers: plan.paintingOrder.map { i in
            let place = plan.subjects[i]
            return (cutOuts[i].image, place.size, place.x, place.y)
        })
    }
}
