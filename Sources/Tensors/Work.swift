/// How much there is to compute, by kind: machines are not equally fast at all of it.
public struct Work: Sendable, Equatable {
    public enum Kind: String, Sendable, CaseIterable {
        /// Matrix products, of weights and activations; and those with one side as short as a low-rank adapter's.
        case product, thinProduct
        case directConvolution, winograd
        case attention, attentionBackward
        /// Weights of a half type that a product widens, and everything that only walks over its tensors: in bytes. All
        /// else is in floating-point operations, a multiplication and an addition being two.
        case widening, memory
    }

    private var amounts: [Kind: Double] = [:]

    public init() {}

    public subscript(kind: Kind) -> Double {
        get { amounts[kind] ?? 0 }
        set { amounts[kind] = newValue }
    }

    /// Floating-point operations of all kinds.
    public var operations: Double { Kind.allCases.reduce(0) { $0 + ($1 == .memory || $1 == .widening ? 0 : self[$1]) } }

    public static func - (a: Work, b: Work) -> Work { a.combined(b, -) }
    public static func + (a: Work, b: Work) -> Work { a.combined(b, +) }

    private func combined(_ other: Work, _ operation: (Double, Double) -> Double) -> Work {
        var result = Work()
        for kind in Kind.allCases { result[kind] = operation(self[kind], other[kind]) }
        return result
    }

    /// At so much of each kind in a second.
    public func seconds(at rates: [Kind: Double]) -> Double {
        Kind.allCases.reduce(0) { sum, kind in
            guard self[kind] > 0 else { return sum }
            guard let rate = rates[kind], rate > 0 else { preconditionFailure("Work: no rate for \(kind)") }
            return sum + self[kind] / rate
        }
    }
}
