/// Everything in which a LoRA file differs from the model it is loaded into, at once.
public struct AdapterFaults: Error, CustomStringConvertible, Sendable, Equatable {
    public let path: String
    /// Modules of the model that the file lacks.
    public internal(set) var missing: [String] = []
    /// Modules of the file that the model does not have.
    public internal(set) var unknown: [String] = []
    /// Modules with other sizes: what was expected, what was found.
    public internal(set) var misshapen: [String] = []

    public var isEmpty: Bool { missing.isEmpty && unknown.isEmpty && misshapen.isEmpty }

    public var description: String {
        var clauses: [String] = []
        if !missing.isEmpty { clauses.append("\(missing.count) adapted modules are missing (\(listed(missing)))") }
        if !unknown.isEmpty { clauses.append("\(unknown.count) adapted modules are not among the linear layers of the model's UNet (\(listed(unknown)))") }
        if !misshapen.isEmpty { clauses.append("\(misshapen.count) have other sizes (\(listed(misshapen)))") }
        return "\(path): the LoRA does not fit the model: \(clauses.joined(separator: "; ")). Use it with the model and the rank it was trained with."
    }
}
