/// What OWLv2 says of every patch of one photo.
public struct OWLv2Prediction: Sendable {
    public let queries: [String]
    /// Of the upright photo, in pixels.
    public let width, height: Int
    /// `[patches, queries]`, before the sigmoid.
    public let logits: [Float]
    /// `[patches, 4]`: centre x and y, width and height, relative to the side of the square that the photo was padded to.
    public let boxes: [Float]
    /// `[patches]`, before the sigmoid.
    public let objectness: [Float]

    /// Everything that scores above `threshold`, in the order of the patches: each patch under the query that fits it best.
    /// Boxes are in pixels of the photo: shares of its longer side, in both directions.
    public func candidates(threshold: Double) -> [Detection] {
        let side = Float(max(width, height))
        return objectness.indices.compactMap { patch in
            let row = logits[patch * queries.count..<(patch + 1) * queries.count]
            let best = row.indices.reduce(row.startIndex) { row[$1] > row[$0] ? $1 : $0 }, score = Double(logistic(row[best]))
            guard score > threshold else { return nil }
            let (x, y, w, h) = (boxes[4 * patch], boxes[4 * patch + 1], boxes[4 * patch + 2], boxes[4 * patch + 3])
            func pixels(_ share: Float) -> Double { Double(share * side) }
            return Detection(
                box: DetectionBox(x0: pixels(x - 0.5 * w), y0: pixels(y - 0.5 * h), x1: pixels(x + 0.5 * w), y1: pixels(y + 0.5 * h)),
                score: score, label: queries[best - row.startIndex], objectness: Double(logistic(objectness[patch])))
        }
    }

    /// The same, one box for each object, highest score first.
    /// - Parameter overlap: boxes that overlap a better one by more than this are left out; 1 keeps all.
    public func detections(threshold: Double, overlap: Double = OWLv2.defaultOverlap) -> [Detection] {
        let found = candidates(threshold: threshold)
        return overlap < 1 ? found.suppressed(overlap: overlap) : found.sortedByScore()
    }
}
