/// Where the subjects lie in the layout of mean-shifted noise (`render.layout`): subject key → `[x0, y0, x1, y1]`, in parts of
/// the picture's width and height.
public struct RenderLayout: Equatable, Sendable {
    public struct Box: Equatable, Sendable {
        public var subject: String
        public var x0, y0, x1, y1: Double

        public init(subject: String, x0: Double, y0: Double, x1: Double, y1: Double) {
            (self.subject, self.x0, self.y0, self.x1, self.y1) = (subject, x0, y0, x1, y1)
        }

        /// Four numbers as a person writes them; nil where they are no box inside the picture.
        public init?(subject: String, _ numbers: [Double]) {
            guard numbers.count == 4, numbers.allSatisfy({ (0...1).contains($0) }), numbers[0] < numbers[2], numbers[1] < numbers[3] else { return nil }
            self.init(subject: subject, x0: numbers[0], y0: numbers[1], x1: numbers[2], y1: numbers[3])
        }
    }

    /// Ordered by subject key.
    public var boxes: [Box]

    public init(_ boxes: [Box]) { self.boxes = boxes.sorted { $0.subject < $1.subject } }
}

extension RenderLayout: Codable {
    /// An object subject → four numbers.
    public func encode(to encoder: any Encoder) throws {
        try Dictionary(uniqueKeysWithValues: boxes.map { ($0.subject, [$0.x0, $0.y0, $0.x1, $0.y1]) }).encode(to: encoder)
    }

    public init(from decoder: any Decoder) throws {
        self.init(try [String: [Double]](from: decoder).map { subject, numbers in
            guard let box = Box(subject: subject, numbers) else {
                throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "\(numbers) is no box of \(subject)"))
            }
            return box
        })
    }
}

extension KeyedValues {
    func renderLayout(_ key: String) -> RenderLayout? {
        guard let table = table(key, of: "subject: [x0, y0, x1, y1]") else { return nil }
        var boxes: [RenderLayout.Box] = []
        for entry in table.entries {
            let items: [YAMLNode] = if case .sequence(let items) = entry.value.content { items } else { [] }
            if let box = RenderLayout.Box(subject: entry.key, items.compactMap(\.number)), items.count == 4 {
                boxes.append(box)
            } else {
                table.report(entry.value, "`\(table.prefix)\(entry.key)` must be [x0, y0, x1, y1], four numbers from 0 to 1 with x0 < x1 and y0 < y1, not \(entry.value.quoted)")
            }
        }
        if table.entries.isEmpty { report(value(key)!, "`\(prefix)\(key)` must name at least one subject, not \(value(key)!.quoted)") }
        report(table.faults)
        return boxes.isEmpty ? nil : RenderLayout(boxes)
    }
}
