import Images

/// Which of a detector's boxes is the subject, when exactly one is wanted.
public struct BoxChoice: Equatable, Sendable {
    public struct Settings: Equatable, Sendable, Codable {
        /// A box counts from this score on: 0.2 on photos, 0.4 on generated pictures.
        public var threshold: Double
        /// No threshold below it is tried.
        public var leastThreshold = 0.05
        /// Boxes that overlap by more of the smaller one's area are one object.
        public var mergeOverlap = 0.7
        /// How many times the second best score the best one must be to be clearly the subject.
        public var clearFactor = 1.5
        /// Whether another threshold, merging and the clearly best one are tried; else only one box will do.
        public var triesFurther = true

        public init(threshold: Double) { self.threshold = threshold }
    }

    /// The subject's; nil where none is clearly it.
    public var box: PixelBox?
    public var rule: MaskDecision.Rule
    /// The threshold that decided.
    public var threshold: Double
    /// Every box that counted at it, or before it was raised; best first.
    public var boxes: [MaskDecision.Box]
    /// Whether nothing was found at the threshold that was asked for.
    public var isLowered: Bool

    /// What a person would try, one after the other: the threshold as it is, lower ones where nothing is found; where there is
    /// too much, the clearly best one, and boxes of one thing joined.
    ///
    /// - Parameter found: boxes with their scores, also those of low scores, in any order.
    public init(_ found: [MaskDecision.Box], _ settings: Settings) {
        let all = found.sorted { ($0.score ?? 0) > ($1.score ?? 0) }
        func counted(_ threshold: Double) -> [MaskDecision.Box] { all.filter { $0.score ?? 0 > threshold } }
        var threshold = settings.threshold
        boxes = counted(threshold)
        (box, rule, isLowered) = (nil, .nothingFound, false)
        if settings.triesFurther {
            while boxes.isEmpty, threshold > settings.leastThreshold {
                threshold = max(settings.leastThreshold, threshold * 0.75)
                boxes = counted(threshold)
                isLowered = true
            }
        }
        self.threshold = threshold
        switch boxes.count {
        case 0: return
        case 1: (box, rule) = (boxes[0].box, isLowered ? .loweredThreshold : .oneBox)
        default:
            rule = .severalObjects
            guard settings.triesFurther else { return }
            let scores = boxes.map { $0.score ?? 0 }
            if scores[0] >= settings.clearFactor * scores[1] {
                box = boxes[0].box
                // A round threshold between the two shows that one is left.
                rule = isLowered ? .clearlyBest : .raisedThreshold
                self.threshold = isLowered ? threshold : (scores[0] + scores[1]) / 2
            } else if let joined = Self.joined(boxes.map(\.box), overlap: settings.mergeOverlap) {
                // One thing in several boxes: a dog, and the same dog with its shadow.
                (box, rule) = (joined, .mergedBoxes)
            }
        }
    }

    /// The box around all of them, if they are all one thing: each overlaps each. A box around two dogs overlaps both, but they do not
    /// overlap one another.
    private static func joined(_ boxes: [PixelBox], overlap: Double) -> PixelBox? {
        for (i, one) in boxes.enumerated() {
            guard boxes[(i + 1)...].allSatisfy({ one.shareOfSmaller(coveredBy: $0) > overlap }) else { return nil }
        }
        return boxes.dropFirst().reduce(boxes[0]) { $0.union($1) }
    }
}

extension PixelBox {
    /// Common area by the smaller box's.
    public func shareOfSmaller(coveredBy other: PixelBox) -> Double {
        let smaller = min(width * height, other.width * other.height)
        return smaller > 0 ? Double(common(other)) / Double(smaller) : 0
    }

    /// Common area by that of both together.
    public func intersectionOverUnion(_ other: PixelBox) -> Double {
        let common = common(other), union = width * height + other.width * other.height - common
        return union > 0 ? Double(common) / Double(union) : 0
    }

    private func common(_ other: PixelBox) -> Int {
        max(0, min(x1, other.x1) - max(x0, other.x0)) * max(0, min(y1, other.y1) - max(y0, other.y0))
    }

    /// Larger by a share of the picture's sides, kept inside it.
    func widened(by share: Double, width: Int, height: Int) -> PixelBox {
        let dx = Int((Double(width) * share).rounded()), dy = Int((Double(height) * share).rounded())
        return PixelBox(x0: max(0, x0 - dx), y0: max(0, y0 - dy), x1: min(width, x1 + dx), y1: min(height, y1 + dy))
    }
}
