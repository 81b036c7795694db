import Files

/// Weights or an adapter that cannot be used: one sentence that names the place, what is wrong and the remedy.
public struct WeightsError: Error, CustomStringConvertible, Sendable, Equatable {
    public let path: String
    public let description: String

    init(_ path: String, _ reason: String, remedy: String) {
        self.path = path
        description = "\(path.onOneLine()): \(reason.onOneLine(atMost: 3000)). \(remedy)."
    }
}
