import Foundation

/// A model directory that cannot be used: which file, what is wrong, what would be right.
public struct ModelError: Error, CustomStringConvertible, Sendable {
    public let path: String, reason: String
    public var description: String { "\(path): \(reason)" }

    public init(path: String, reason: String) { (self.path, self.reason) = (path, reason) }
}

/// A JSON value with its kinds kept apart (Foundation's own objects take 1 for true).
enum JSONValue: Decodable {
    case null, boolean(Bool), number(Double), string(String), array([JSONValue]), object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let c = try decoder.singleValueContainer()
        if c.decodeNil() { self = .null }
        else if let v = try? c.decode(Bool.self) { self = .boolean(v) }
        else if let v = try? c.decode(Double.self) { self = .number(v) }
        else if let v = try? c.decode(String.self) { self = .string(v) }
        else if let v = try? c.decode([JSONValue].self) { self = .array(v) }
        else { self = .object(try c.decode([String: JSONValue].self)) }
    }

    var words: String {
        switch self {
        case .null: "null"
        case .boolean(let v): "\(v)"
        case .number(let v): v == v.rounded() && abs(v) < 1e15 ? "\(Int(v))" : "\(v)"
        case .string(let v): "\"\(v)\""
        case .array(let v): "[" + v.map(\.words).joined(separator: ", ") + "]"
        case .object: "an object"
        }
    }

    /// A number without a fraction.
    var whole: Int? {
        if case .number(let v) = self, v == v.rounded(), abs(v) < 1e15 { Int(v) } else { nil }
    }
}

/// A `config.json` of a model in Hugging Face layout, read with types; a key that is left out has the default
/// that diffusers or transformers gives it.
public struct ModelConfiguration {
    public let path: String
    private let values: [String: JSONValue]
    /// What stands before a key in messages: the names of the objects it is in.
    private let prefix: String
    /// Whose architecture is wanted, for refusals.
    private let model: String

    private init(path: String, values: [String: JSONValue], prefix: String, model: String) {
        (self.path, self.values, self.prefix, self.model) = (path, values, prefix, model)
    }

    /// The most bytes that are read of one.
    private static let limit = 4 << 20

    /// - Parameter model: what the directory should be of.
    /// - Throws: `ModelError`; `FileError` where the file cannot be read.
    public init(directory: String, file: String = "config.json", of model: String = "SDXL") throws {
        let path = directory + "/" + file
        guard let data = try ModelFile.contents(path, limit: Self.limit, fault: { ModelError(path: path, reason: $0) }) else {
            let layout = model == "SDXL" ? "diffusers" : "Hugging Face"
            throw ModelError(path: path, reason: "the file is missing; the model must be a directory in \(layout) layout")
        }
        guard let values = try? JSONDecoder().decode([String: JSONValue].self, from: data) else {
            throw ModelError(path: path, reason: "is not a JSON object; copy the model again")
        }
        self.init(path: path, values: values, prefix: "", model: model)
    }

    /// The object under `key`, with defaults for everything where it is left out.
    public func section(_ key: String) throws -> ModelConfiguration {
        guard let v = value(key) else { return ModelConfiguration(path: path, values: [:], prefix: prefix + key + ".", model: model) }
        guard case .object(let inner) = v else { throw wrong(key, "an object") }
        return ModelConfiguration(path: path, values: inner, prefix: prefix + key + ".", model: model)
    }

    /// Whether a key holds an object.
    public func isSection(_ key: String) -> Bool {
        if case .object? = values[key] { true } else { false }
    }

    private func wrong(_ key: String, _ wanted: String) -> ModelError {
        ModelError(path: path, reason: "\"\(prefix)\(key)\" is \(values[key]?.words ?? "missing"), should be \(wanted)")
    }

    /// nil where the key is missing or null.
    private func value(_ key: String) -> JSONValue? {
        if case .null? = values[key] { nil } else { values[key] }
    }

    /// Whether a key is there and says null, where that means another thing than leaving it out.
    public func isNull(_ key: String) -> Bool {
        if case .null? = values[key] { true } else { false }
    }

    public func has(_ key: String) -> Bool { value(key) != nil }

    public func integer(_ key: String, default fallback: Int? = nil, in range: ClosedRange<Int> = 1...(1 << 20)) throws -> Int {
        guard let v = value(key) else {
            guard let fallback else { throw wrong(key, "a whole number") }
            return fallback
        }
        guard let n = v.whole, range.contains(n) else { throw wrong(key, "a whole number from \(range.lowerBound) to \(range.upperBound)") }
        return n
    }

    public func number(_ key: String, default fallback: Double? = nil) throws -> Double {
        guard let v = value(key) else {
            guard let fallback else { throw wrong(key, "a number") }
            return fallback
        }
        guard case .number(let n) = v, n.isFinite else { throw wrong(key, "a number") }
        return n
    }

    public func boolean(_ key: String, default fallback: Bool) throws -> Bool {
        guard let v = value(key) else { return fallback }
        guard case .boolean(let b) = v else { throw wrong(key, "true or false") }
        return b
    }

    public func string(_ key: String, default fallback: String? = nil) throws -> String {
        guard let v = value(key) else {
            guard let fallback else { throw wrong(key, "a word") }
            return fallback
        }
        guard case .string(let s) = v else { throw wrong(key, "a word") }
        return s
    }

    public func strings(_ key: String, default fallback: [String]? = nil) throws -> [String] {
        guard let v = value(key) else {
            guard let fallback else { throw wrong(key, "a list of words") }
            return fallback
        }
        guard case .array(let list) = v, !list.isEmpty, list.count <= 64 else { throw wrong(key, "a list of words") }
        return try list.map {
            guard case .string(let s) = $0 else { throw wrong(key, "a list of words") }
            return s
        }
    }

    /// A list of whole numbers.
    public func integers(_ key: String, default fallback: [Int]? = nil, mayBeEmpty: Bool = false) throws -> [Int] {
        guard let v = value(key) else {
            guard let fallback else { throw wrong(key, "a list of whole numbers") }
            return fallback
        }
        guard case .array(let list) = v, mayBeEmpty || !list.isEmpty, list.count <= 64 else { throw wrong(key, "a list of whole numbers") }
        let numbers = list.compactMap(\.whole)
        guard numbers.count == list.count, numbers.allSatisfy({ $0 >= 0 && $0 < 1 << 20 }) else { throw wrong(key, "a list of whole numbers") }
        return numbers
    }

    /// One whole number for all, or a list of `count`.
    public func integers(_ key: String, count: Int, default fallback: Int?) throws -> [Int] {
        if value(key).map({ $0.whole != nil }) ?? true {
            return Array(repeating: try integer(key, default: fallback), count: count)
        }
        let list = try integers(key)
        guard list.count == count else { throw wrong(key, "a number or a list of \(count)") }
        return list
    }

    /// One number for all blocks, a list of one per block, or a list of lists of one per layer of each block.
    public func layeredIntegers(_ key: String, layers: [Int], default fallback: Int) throws -> [[Int]] {
        guard let v = value(key), v.whole == nil else {
            let n = try integer(key, default: fallback, in: 0...(1 << 20))
            return layers.map { Array(repeating: n, count: $0) }
        }
        guard case .array(let list) = v, list.count == layers.count else { throw wrong(key, "a number or a list of \(layers.count)") }
        return try zip(list, layers).map { entry, count in
            if let n = entry.whole, n >= 0 { return Array(repeating: n, count: count) }
            guard case .array(let inner) = entry, case let numbers = inner.compactMap(\.whole), numbers.count == inner.count,
                numbers.count == count, numbers.allSatisfy({ $0 >= 0 })
            else { throw wrong(key, "a list whose entries are numbers or lists of one number per layer") }
            return numbers
        }
    }

    public func numbers(_ key: String) throws -> [Double]? {
        guard let v = value(key) else { return nil }
        guard case .array(let list) = v, !list.isEmpty, list.count <= 4096 else { throw wrong(key, "a list of numbers") }
        return try list.map {
            guard case .number(let n) = $0 else { throw wrong(key, "a list of numbers") }
            return n
        }
    }

    /// Refuses a model that asks for what this engine does not have. A key that is left out or null passes.
    public func require(_ key: String, _ supported: [String]) throws {
        guard let given = value(key) else { return }
        if case .string(let s) = given, supported.contains(s) { return }
        throw refusal(key, given, supported.isEmpty ? "null" : supported.joined(separator: " or "))
    }

    /// The same for a number or a boolean.
    public func require(_ key: String, number supported: Double) throws {
        guard let given = value(key) else { return }
        if case .number(let n) = given, n == supported { return }
        throw refusal(key, given, "\(supported)")
    }

    public func require(_ key: String, boolean supported: Bool) throws {
        guard let given = value(key) else { return }
        if case .boolean(let b) = given, b == supported { return }
        if case .array(let list) = given, list.allSatisfy({ if case .boolean(supported) = $0 { true } else { false } }) { return }
        throw refusal(key, given, "\(supported)")
    }

    private func refusal(_ key: String, _ given: JSONValue, _ supported: String) -> ModelError {
        ModelError(path: path, reason: "\"\(prefix)\(key)\" is \(given.words), and only \(supported) is supported; use a model of \(model)'s architecture")
    }
}
