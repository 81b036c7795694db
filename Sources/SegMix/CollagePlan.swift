import Images

/// Everything that was drawn at random for one composite; in JSON exactly the trace's `collage`.
public struct CollagePlan: Codable, Equatable, Sendable {
    /// A cut-out and where it lies.
    public struct Placement: Codable, Equatable, Sendable {
        public var subject: String
        public var file: String
        public var mask: String
        /// In the upright photo, the last masked row and column excluded.
        public var box: PixelBox
        /// Size on the canvas over size in the photo, unrounded.
        public var factor: Double
        /// ⌊box · factor⌋, at least 1 × 1: width, height.
        public var size: [Int]
        /// The upper left corner on the canvas.
        public var x: Int
        public var y: Int

        public init(subject: String, file: String, mask: String, box: PixelBox, factor: Double, size: [Int], x: Int, y: Int) {
            precondition(size.count == 2 && size[0] > 0 && size[1] > 0, "Placement: size \(size)")
            (self.subject, self.file, self.mask, self.box) = (subject, file, mask, box)
            (self.factor, self.size, self.x, self.y) = (factor, size, x, y)
        }
    }

    /// The drawn one, then the second one.
    public var subjects: [Placement]
    /// Which of `subjects` is on the left.
    public var left: Int
    /// Which of `subjects` covers the other.
    public var top: Int

    public init(subjects: [Placement], left: Int, top: Int) {
        precondition(subjects.indices.contains(left) && subjects.indices.contains(top), "CollagePlan: left \(left), top \(top) of \(subjects.count)")
        (self.subjects, self.left, self.top) = (subjects, left, top)
    }

    /// Positions in `subjects` from the lowest to the uppermost.
    public var paintingOrder: [Int] { subjects.indices.filter { $0 != top } + [top] }
}
