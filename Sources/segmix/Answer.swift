import Files
import Foundation

/// What a command that answers a question prints: lines for people, or one JSON object for programs.
enum Answer {
    static func print(_ value: some Encodable, lines: [String], json: Bool) throws {
        guard json else {
            for line in lines { Swift.print(line) }
            return
        }
        Swift.print(String(decoding: try JSONEncoder([.sortedKeys, .withoutEscapingSlashes]).encode(value), as: UTF8.self))
    }
}
