/// Something that was found in a photo.
public struct Detection: Equatable, Sendable, Codable {
    public let box: DetectionBox
    /// How sure the model is that the query fits, 0 to 1.
    public let score: Double
    /// The query that fits best.
    public let label: String
    /// How sure the model is that there is an object at all, whatever it is, 0 to 1.
    public let objectness: Double

    public init(box: DetectionBox, score: Double, label: String, objectness: Double) {
        (self.box, self.score, self.label, self.objectness) = (box, score, label, objectness)
    }
}

extension [Detection] {
    /// Non-maximum suppression: from the highest score down, each box that overlaps none of those kept by more than
    /// `limit` (intersection over union), whatever its label: one object has one box. Sorted by score, highest first.
    public func suppressed(overlap limit: Double) -> [Detection] {
        var kept: [Detection] = []
        for candidate in sortedByScore() where !kept.contains(where: { $0.box.overlap(candidate.box) > limit }) { kept.append(candidate) }
        return kept
    }

    /// Highest first; what is equal stays in its order.
    public func sortedByScore() -> [Detection] {
        enumerated().sorted { ($1.element.score, $0.offset) < ($0.element.score, $1.offset) }.map(\.element)
    }
}
