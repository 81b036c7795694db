/// How much there is to compute, by kind and by the type that is computed in: machines are not equally fast at all of it.
public struct Work: Sendable, Equatable {
    public enum Kind: String, Sendable, CaseIterable {
        /// Matrix products, of weights and activations; and those with one side as short as a low-rank adapter's.
        case product, thinProduct
        /// `convolution` is the plain sum, whoever computes it.
        case convolution, winograd
        case attention, attentionBackward
        /// Weights of a half type that a float32 product widens, and everything that only walks over its tensors: in bytes.
        /// All else is in floating-point operations, a multiplication and an addition being two.
        case widening, memory
    }

    public struct Item: Hashable, Sendable {
        public let kind: Kind
        public let type: ElementType

        public init(_ kind: Kind, _ type: ElementType = .float32) { (self.kind, self.type) = (kind, type) }
    }

    /// What a machine does of each in a second.
    public typealias Rates = [Item: Double]

    private var amounts: [Item: Double] = [:]

    public init() {}

    public subscript(kind: Kind, type: ElementType) -> Double {
        get { amounts[Item(kind, type)] ?? 0 }
        set { amounts[Item(kind, type)] = newValue }
    }

    /// Bytes that are only walked over, whatever their type.
    public internal(set) var bytesMoved: Double {
        get { self[.memory, .float32] }
        set { self[.memory, .float32] = newValue }
    }

    /// Floating-point operations of all kinds.
    public var operations: Double { amounts.reduce(0) { $0 + ($1.key.kind == .memory || $1.key.kind == .widening ? 0 : $1.value) } }

    public static func - (a: Work, b: Work) -> Work {
        var result = a
        for (item, amount) in b.amounts { result[item.kind, item.type] -= amount }
        return result
    }

    public func seconds(at rates: Rates) -> Double {
        // In a fixed order, so that equal work takes equally long to the last bit.
        Kind.allCases.reduce(0) { sum, kind in
            ElementType.allCases.reduce(sum) { sum, type in
                let amount = self[kind, type]
                guard amount > 0 else { return sum }
                guard let rate = rates[Item(kind, type)], rate > 0 else { preconditionFailure("Work: no rate for \(kind) in \(type)") }
                return sum + amount / rate
            }
        }
    }
}
