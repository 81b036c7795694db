/// A tokenizer directory that cannot be used: one sentence naming the file and the remedy.
public struct TokenizerError: Error, CustomStringConvertible, Equatable {
    public let description: String

    init(_ file: String, _ fault: String) {
        description = "\(file): \(fault)"
    }
}
