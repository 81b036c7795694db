import Foundation

/// What a command that answers a question prints: lines for people, or one JSON object for programs.
enum Answer {
    static func print(_ value: some Encodable, lines: [String], json: Bool) throws {
        guard json else {
            for line in lines { Swift.print(line) }
            return
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        Swift.print(String(decoding: try encoder.encode(value), as: UTF8.self))
    }
}
