import Images

/// One element of a micro-step's batch, before any network has seen it.
public struct TrainingExample: Equatable, Sendable {
    /// `[R, R, 3]`
    public let picture: RGBImage
    /// `[R/f, R/f]`, soft alpha applied; ones for a plain example.
    public let lossMask: [Float]
    public let prompt: String
    /// The drawn photo, then the second one of a composite; relative to the job folder.
    public let files: [String]
    /// The corner of the crop in the resized photo, `[x, y]`; nil for a composite.
    public let crop: [Int]?
    /// nil for a plain example.
    public let collage: CollagePlan?
    /// Which of its drawn photo's composites it is, where they come again (`SamplerSettings.latentPool`); nil for a plain one.
    public let variant: Int?
    /// SDXL's size conditioning: R, R, top, left, R, R.
    public let timeIDs: [Float]
    public let isPrior: Bool

    public var isComposite: Bool { collage != nil }

    /// byte/127.5 − 1 in float32, `[R, R, 3]`.
    public var pixelValues: [Float] { picture.bytes.map { Float($0) / 127.5 - 1 } }

    /// The same as `[3, R, R]`.
    public var planarPixelValues: [Float] {
        let count = picture.width * picture.height
        return [Float](unsafeUninitializedCapacity: 3 * count) { out, initialized in
            for c in 0..<3 {
                for i in 0..<count { out[c * count + i] = Float(picture.bytes[3 * i + c]) / 127.5 - 1 }
            }
            initialized = 3 * count
        }
    }
}
