extension String {
    /// As a sentence quotes it: control characters (line ends, escapes of terminals) and those that turn the direction of writing are
    /// spelt out, and of what is very long the middle is left out. Names and values come from strangers, and a message is one line.
    public func onOneLine(atMost limit: Int = 1000) -> String {
        precondition(limit >= 20, "onOneLine: at most \(limit) characters")
        var text = self[...]
        // Counting all characters of a long text takes long.
        if utf8.count > limit, let end = index(startIndex, offsetBy: limit, limitedBy: endIndex), end < endIndex {
            let tail = limit / 4
            text = prefix(limit - tail - 1) + "…" + suffix(tail)
        }
        guard text.unicodeScalars.contains(where: Self.isUnseen) else { return String(text) }
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where Self.isUnseen(scalar): result += "\\u{\(String(scalar.value, radix: 16))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func isUnseen(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
