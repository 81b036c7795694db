/// What a mask is asked for by: a box around the object, points on it and beside it, or both. In pixels of the upright photo;
/// a whole number is the corner of a pixel.
public struct SegmentationPrompt: Sendable, Equatable {
    public struct Box: Sendable, Equatable {
        public var x0, y0, x1, y1: Double

        public init(x0: Double, y0: Double, x1: Double, y1: Double) {
            (self.x0, self.y0, self.x1, self.y1) = (x0, y0, x1, y1)
        }
    }

    public struct Point: Sendable, Equatable {
        public var x, y: Double
        /// Whether the point lies on the object; false: beside it.
        public var isInside: Bool

        public init(x: Double, y: Double, isInside: Bool = true) {
            (self.x, self.y, self.isInside) = (x, y, isInside)
        }
    }

    public var box: Box?
    public var points: [Point]

    public init(box: Box? = nil, points: [Point] = []) {
        (self.box, self.points) = (box, points)
    }
}
