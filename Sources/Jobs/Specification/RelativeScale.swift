/// The subjects' sizes relative to each other in a composite.
public enum RelativeScale: Equatable, Sendable {
    /// 0: random sizes. ρ > 0: the first subject whole, the second ρ times its size; ρ < 0: the first |ρ| times,
    /// the second whole. Of use for two subjects only.
    case number(Double)
    /// Subject key → (0, 1], ordered by key; every subject of the job is in it.
    case table([Entry])

    public struct Entry: Equatable, Sendable, Codable {
        public var subject: String
        public var scale: Double

        public init(subject: String, scale: Double) {
            self.subject = subject
            self.scale = scale
        }
    }
}

extension RelativeScale: Codable {
    private struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// A number, or an object subject → number.
    public func encode(to encoder: any Encoder) throws {
        switch self {
        case .number(let value):
            var container = encoder.singleValueContainer()
            try container.encode(value)
        case .table(let entries):
            var container = encoder.container(keyedBy: Key.self)
            for entry in entries { try container.encode(entry.scale, forKey: Key(stringValue: entry.subject)) }
        }
    }

    public init(from decoder: any Decoder) throws {
        if let value = try? decoder.singleValueContainer().decode(Double.self) {
            self = .number(value)
        } else {
            let container = try decoder.container(keyedBy: Key.self)
            let keys = container.allKeys.sorted { $0.stringValue < $1.stringValue }
            self = .table(try keys.map { Entry(subject: $0.stringValue, scale: try container.decode(Double.self, forKey: $0)) })
        }
    }
}

extension KeyedValues {
    func relativeScale(_ key: String) -> RelativeScale {
        guard let node = value(key) else { return .number(0) }
        let range = NumberRange(lower: -1, upper: 1)
        guard let entries = node.entries else {
            guard let value = node.number, range.contains(value) else {
                return wrong(node, key, "a number \(range), or a table subject: size", .number(0))
            }
            return .number(value)
        }
        let inner = KeyedValues(entries, prefix: "\(prefix)\(key).")
        let scales = entries.map { RelativeScale.Entry(subject: $0.key, scale: inner.number($0.key, .init(lower: 0, includesLower: false, upper: 1), default: 1)) }
        report(inner.faults)
        return .table(scales.sorted { $0.subject < $1.subject })
    }
}
