import Foundation

/// How CLIP reads a prompt before any byte-pair merging, as transformers 5 does it.
enum PromptWords {
    /// Canonical composition (NFC), every run of white space to one space, every scalar in lower case on its own
    /// (so that a final sigma is an ordinary one). No ftfy, no HTML unescaping.
    static func normalize(_ text: some Sequence<Unicode.Scalar>) -> [Unicode.Scalar] {
        var raw = String.UnicodeScalarView()
        raw.append(contentsOf: text)
        var result: [Unicode.Scalar] = []
        var afterSpace = false
        for scalar in String(raw).precomposedStringWithCanonicalMapping.unicodeScalars {
            if scalar.properties.isWhitespace {
                if !afterSpace { result.append(" ") }
                afterSpace = true
            } else {
                afterSpace = false
                result.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
            }
        }
        return result
    }

    /// The words of a normalised text, in order, as ranges:
    ///
    ///     's|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+
    ///
    /// The first alternative that matches wins. White space between words is left out.
    static func split(_ text: [Unicode.Scalar]) -> [Range<Int>] {
        let kinds = text.map(Kind.init)
        var words: [Range<Int>] = []
        var start = 0
        while start < text.count {
            var end = start + 1
            switch kinds[start] {
            case .space:
                start = end
                continue
            case .number:
                break
            case .letter, .other:
                if let length = contractionLength(text, at: start) {
                    end = start + length
                } else {
                    while end < text.count, kinds[end] == kinds[start] { end += 1 }
                }
            }
            words.append(start..<end)
            start = end
        }
        return words
    }

    private static let contractions: [[Unicode.Scalar]] = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"]
        .map { Array($0.unicodeScalars) }

    private static func contractionLength(_ text: [Unicode.Scalar], at start: Int) -> Int? {
        guard text[start] == "'" else { return nil }
        return contractions.first { text[start...].starts(with: $0) }?.count
    }

    private enum Kind {
        case letter, number, space, other

        init(_ scalar: Unicode.Scalar) {
            switch scalar.properties.generalCategory {
            case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: self = .letter
            case .decimalNumber, .letterNumber, .otherNumber: self = .number
            default: self = scalar.properties.isWhitespace ? .space : .other
            }
        }
    }
}
