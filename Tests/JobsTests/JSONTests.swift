@testable import Files
import Testing

@Suite struct JSONTests {
    @Test func objectsKeepTheirOrder() throws {
        let value = try JSON(#" {"id": {"b": "one", "a": "two", "c": "three"}} "#)
        #expect(value["id"]?.members?.map(\.name) == ["b", "a", "c"])
    }

    @Test func allKinds() throws {
        let value = try JSON(#"[null, true, false, -1.5e2, 0, "a\"\\\/\b\f\n\r\t\u00e4\ud83d\ude00", [], {}]"#)
        #expect(value == .array([.null, .boolean(true), .boolean(false), .number("-1.5e2"), .integer(0), .string("a\"\\/\u{8}\u{C}\n\r\tä😀"), .array([]), .object([])]))
    }

    @Test(arguments: [
        (#"{"a": 1"#, 8, "`}` is missing at the end"),
        (#"{"a": 1 "b": 2}"#, 9, "`,` or `}` should come here"),
        (#"{"a": 1,}"#, 9, "a comma before `}`"),
        (#"{'a': 1}"#, 2, "a key in double quotes should come here"),
        (#"{"a": 'b'}"#, 7, #"text stands in straight double quotes (")"#),
        (#"{"a" 1}"#, 6, #"`:` is missing after the key "a""#),
        (#"{"a": 1, "a": 2}"#, 10, #"the key "a" comes twice"#),
        (#"{"a": 1} x"#, 10, "nothing may follow the value"),
        (#"["abc"#, 2, "the text that begins here has no closing quote"),
        (#"["\x"]"#, 5, #"\x is no escape (write a backslash as \\)"#),
        (#"["\ud800"]"#, 9, #"half of a \u pair"#),
        (#"["\u0000"]"#, 9, #"\u0000 (NUL) may be in no text"#),
        (#"[01]"#, 3, "a number has no leading zero"),
        (#"[1.]"#, 4, "a digit should come here"),
        (#"[1e999]"#, 2, "this number is out of range"),
        (#"[nope]"#, 2, "a value should come here (text stands in double quotes)"),
        ("", 1, "the text ends where a value should come"),
        ("[1", 3, "`]` is missing at the end"),
    ])
    func failures(_ text: String, _ column: Int, _ message: String) {
        #expect(throws: JSON.Fault(message: message, at: column - 1)) { try JSON(text, allowsNUL: false) }
    }

    @Test func boundedDepth() {
        #expect(throws: JSON.Fault.self) { try JSON(String(repeating: "[", count: 100_000)) }
        #expect(throws: Never.self) { try JSON(String(repeating: "[", count: 60) + String(repeating: "]", count: 60)) }
    }
}
