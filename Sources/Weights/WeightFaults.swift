/// Everything in which a model directory's weights differ from what the model asked for, at once.
public struct WeightFaults: Error, CustomStringConvertible, Sendable, Equatable {
    public struct Missing: Sendable, Equatable {
        public let key: String
        public let shape: [Int]
    }
    public struct Misshapen: Sendable, Equatable {
        public let key: String
        public let expected, found: [Int]
        public let file: String
    }
    public struct WrongType: Sendable, Equatable {
        public let key, found, file: String
    }
    public struct Unused: Sendable, Equatable {
        public let key, file: String
    }

    /// The directory or file that was loaded.
    public let path: String
    public internal(set) var missing: [Missing] = []
    public internal(set) var misshapen: [Misshapen] = []
    public internal(set) var wrongType: [WrongType] = []
    public internal(set) var unused: [Unused] = []

    public var isEmpty: Bool { missing.isEmpty && misshapen.isEmpty && wrongType.isEmpty && unused.isEmpty }

    /// At most ten names of each kind; all of them are in the properties.
    public var description: String {
        var clauses: [String] = []
        func say(_ count: Int, _ one: String, _ many: String, _ names: [String]) {
            if count > 0 { clauses.append("\(count) \(count == 1 ? one : many) (\(listed(names)))") }
        }
        say(missing.count, "tensor is missing", "tensors are missing", missing.map { "\($0.key) \($0.shape)" })
        say(misshapen.count, "has another shape", "have another shape",
            misshapen.map { "\($0.key): \($0.expected) expected, \($0.found) in \($0.file)" })
        say(wrongType.count, "has a type other than F32, F16, BF16", "have a type other than F32, F16, BF16",
            wrongType.map { "\($0.key): \($0.found) in \($0.file)" })
        say(unused.count, "is not part of the model", "are not part of the model", unused.map { "\($0.key) in \($0.file)" })
        return "\(path): the weights do not fit the model that config.json describes: \(clauses.joined(separator: "; ")). "
            + "Use the config.json and the weights of one and the same model."
    }
}
