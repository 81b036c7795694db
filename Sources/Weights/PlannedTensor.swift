/// A tensor that a model asks for: its key in the file and its shape there.
public struct PlannedTensor: Equatable, Sendable {
    public let key: String
    public let shape: [Int]

    public var count: Int { shape.reduce(1, *) }
}
