/// Words that cannot be looked for: what is wrong with them, what would be right.
public struct QueryError: Error, CustomStringConvertible, Sendable {
    public let description: String

    init(_ description: String) { self.description = description }
}
