import Files

/// Why photos, masks or settings cannot be mixed: one sentence with the file or key and what would be right.
public struct SegMixError: Error, Equatable, CustomStringConvertible, Sendable {
    public let description: String

    public init(_ description: String) { self.description = description.onOneLine(atMost: 2000) }
}
