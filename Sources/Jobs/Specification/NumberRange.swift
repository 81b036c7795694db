/// A range of numbers whose ends may be left out, and how a sentence says it.
public struct NumberRange: CustomStringConvertible, Sendable {
    var lower: Double
    var includesLower = true
    var upper = Double.infinity
    var includesUpper = true

    static let atLeastZero = NumberRange(lower: 0)
    static let aboveZero = NumberRange(lower: 0, includesLower: false)
    /// 0 … 1, both included.
    static let fraction = NumberRange(lower: 0, upper: 1)
    /// 0 … 1 without the 1: a decay rate.
    static let decay = NumberRange(lower: 0, upper: 1, includesUpper: false)

    func contains(_ value: Double) -> Bool {
        value.isFinite && (includesLower ? value >= lower : value > lower) && (includesUpper ? value <= upper : value < upper)
    }

    public var description: String {
        switch (upper.isFinite, includesLower, includesUpper) {
        case (false, true, _): "of at least \(Self.short(lower))"
        case (false, false, _): "greater than \(Self.short(lower))"
        case (true, true, true): "from \(Self.short(lower)) to \(Self.short(upper))"
        case (true, true, false): "from \(Self.short(lower)) to below \(Self.short(upper))"
        case (true, false, true): "above \(Self.short(lower)) and up to \(Self.short(upper))"
        case (true, false, false): "between \(Self.short(lower)) and \(Self.short(upper))"
        }
    }

    /// `1` rather than `1.0`.
    public static func short(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(value)
    }
}
