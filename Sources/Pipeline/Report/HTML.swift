import Foundation

/// A piece of a page that is safe by construction: what stands in a literal is markup, every text that is put into one is
/// escaped, and only another piece goes in as it is.
///
///     let line: HTML = "<p>\(job.name): \(list)</p>"
struct HTML: ExpressibleByStringInterpolation, CustomStringConvertible {
    let description: String

    init(stringLiteral value: String) { description = value }
    init(stringInterpolation: StringInterpolation) { description = stringInterpolation.text }
    /// Pieces one after the other.
    init(_ pieces: [HTML]) { description = pieces.map(\.description).joined() }

    static func escaped(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            case "'": out += "&#39;"
            // Characters that a page must not have.
            case _ where scalar.value < 0x20 && scalar != "\n" && scalar != "\t" || scalar.value == 0x7F: out += "\u{FFFD}"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }

    struct StringInterpolation: StringInterpolationProtocol {
        var text = ""
        init(literalCapacity: Int, interpolationCount: Int) { text.reserveCapacity(literalCapacity) }
        mutating func appendLiteral(_ literal: String) { text += literal }
        mutating func appendInterpolation(_ value: String) { text += HTML.escaped(value) }
        mutating func appendInterpolation(_ value: Int) { text += String(value) }
        mutating func appendInterpolation(_ value: HTML) { text += value.description }
        mutating func appendInterpolation(_ pieces: [HTML]) { for piece in pieces { text += piece.description } }
        /// A picture inside the page.
        mutating func appendInterpolation(jpeg data: Data) { text += "data:image/jpeg;base64," + data.base64EncodedString() }
    }
}
