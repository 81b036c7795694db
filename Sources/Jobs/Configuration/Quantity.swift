/// Sizes and durations with their units.
enum Quantity {
    /// Bytes: `10 GiB`, `500MB`, `1.5 TB`, `1048576`. KB, MB … are powers of 1000, KiB, MiB … of 1024.
    static func bytes(_ text: String) -> Int? {
        let units: [String: Double] = [
            "b": 1, "byte": 1, "bytes": 1, "kb": 1e3, "k": 1024, "kib": 1024, "mb": 1e6, "m": 1_048_576, "mib": 1_048_576,
            "gb": 1e9, "g": 1_073_741_824, "gib": 1_073_741_824, "tb": 1e12, "t": 1_099_511_627_776, "tib": 1_099_511_627_776,
        ]
        guard let value = value(text, units), value < 9e15 else { return nil }
        return Int(value)
    }

    /// The same where a few bytes cannot be meant: the unit was forgotten.
    static func bytes(ofMany text: String, mayBeNone: Bool = false) -> Int? {
        bytes(text).flatMap { $0 >= 1 << 20 || mayBeNone && $0 == 0 ? $0 : nil }
    }

    /// Seconds: `30`, `0.5`, `30 s`, `5 min`, `2 h`, `1 day`.
    static func seconds(_ text: String) -> Double? {
        let units: [String: Double] = [
            "s": 1, "sec": 1, "second": 1, "seconds": 1, "ms": 1e-3, "m": 60, "min": 60, "minute": 60, "minutes": 60,
            "h": 3600, "hour": 3600, "hours": 3600, "d": 86_400, "day": 86_400, "days": 86_400,
        ]
        return value(text, units)
    }

    private static func value(_ text: String, _ units: [String: Double]) -> Double? {
        let compact = text.filter { !$0.isWhitespace }
        // `1e9` first: its letter is no unit.
        if let whole = number(compact) { return whole >= 0 ? whole : nil }
        let end = compact.firstIndex { !($0.isASCII && ($0.isNumber || $0 == "." || $0 == "_")) } ?? compact.endIndex
        guard let number = number(String(compact[..<end])), let unit = units[compact[end...].lowercased()] else { return nil }
        return number * unit
    }

    private static func number(_ text: String) -> Double? {
        YAMLNode(.scalar(text, isPlain: true), at: .init(file: "")).number
    }
}
