import Testing

@testable import Jobs

@Suite struct YAMLTests {
    private func parse(_ text: String) throws(Fault) -> YAMLNode { try YAMLReader.parse(Array(text.utf8), file: "f.yaml") }

    private func fault(_ text: String) -> String {
        do throws(Fault) {
            return "no fault: \(try parse(text))"
        } catch {
            return error.description
        }
    }

    @Test func nodesKnowTheirLines() throws {
        let root = try parse("# comment\na: 1\nb:\n  - x\n  - {c: 'd'}\n")
        #expect(root["a"]?.location.line == 2)
        guard case .sequence(let items)? = root["b"]?.content else { return #expect(Bool(false), "b is no list") }
        #expect(items.map(\.location.line) == [4, 5])
        #expect(items[1]["c"] == YAMLNode(.scalar("d", isPlain: false), at: .init(file: "f.yaml", line: 5)))
    }

    @Test func controlCharactersAreFoundOnTheirLine() {
        #expect(fault("a: 1\nb: 2\nc: \"x \u{7}\"\n") == "f.yaml:3: not valid YAML: control characters are not allowed; remove the invisible character")
    }

    @Test func byteOrderMarkAndLineEnds() throws {
        let root = try YAMLReader.parse([0xEF, 0xBB, 0xBF] + Array("a: 1\r\nb: ü\r\n".utf8), file: "f.yaml")
        #expect(root["a"]?.integer == 1)
        #expect(root["b"]?.text == "ü")
        #expect(root.entries?[1].location.line == 2)
    }

    @Test(arguments: ["", "\n\n", "# nothing\n", "---\n", "null\n"])
    func emptyIsAnEmptyTable(_ text: String) throws {
        #expect(try parse(text).entries?.isEmpty == true)
    }

    @Test(arguments: [
        ("a: 1\na: 2\n", "f.yaml:2: the key `a` comes twice (first on line 1); remove one of them"),
        ("a: &x 1\nb: *x\n", "f.yaml:2: the alias *x is not allowed here; write the value itself"),
        ("a: {b: 1}\n<<: 3\n", "f.yaml:2: merge keys (`<<`) are not allowed here; write the values themselves"),
        ("a: !!python/object 1\n", "f.yaml:1: the tag tag:yaml.org,2002:python/object is not allowed here; write the value without it"),
        ("a:\n- \"x\\0\"\n", "f.yaml:2: the character NUL (`\\0`) may be in no text; remove it"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2: a second document begins here (`---`); put each job into a file of its own"),
        ("[a]: 1\n", "f.yaml:1: a key must be a single word, not a list or a table"),
        ("a: 1\n\tb: 2\n", "f.yaml:2: not valid YAML: found a tab character that violates indentation; indent with spaces"),
        ("a: @b\n", "f.yaml:1: not valid YAML: found character that cannot start any token; indent with spaces, not tabs, and put text with special characters in quotes"),
        ("a: b: c\n", "f.yaml:1: not valid YAML: mapping values are not allowed in this context; a space belongs after the colon of each key (`seed: 4`), quotes around text that contains one; check the indentation"),
        ("a: 1\nseed:4\n", "f.yaml:2: not valid YAML: could not find expected ':'; every line is `key: value`, with a space after the colon"),
    ])
    func refusals(_ text: String, _ sentence: String) {
        #expect(fault(text) == sentence)
    }

    @Test func badEncodingNamesItsLine() {
        #expect(throws: Fault(file: "f", line: 2, "is not valid UTF-8; save the file as UTF-8")) {
            try YAMLReader.parse(Array("a: 1\nb: ".utf8) + [0xE4, 0x0A], file: "f")
        }
    }

    @Test func boundedDepthAndSize() {
        #expect(fault(String(repeating: "[", count: 60)).contains("nested more than 32 deep"))
        #expect(fault(String(repeating: "[", count: 30) + String(repeating: "1,", count: 120_000)).contains("more than 100000 values"))
        #expect(fault(String(repeating: "#", count: 2 << 20)).contains("bytes long"))
    }

    @Test func randomBytesNeverCrash() {
        var random = SystemRandomNumberGenerator()
        let alphabet = Array("ab:- \n\t[]{}\"'&*!|>#%@`,?0.e\u{e4}".utf8)
        for _ in 0..<3000 {
            let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in alphabet.randomElement(using: &random)! }
            _ = try? YAMLReader.parse(bytes, file: "f")
        }
    }

    private func scalar(_ text: String, isPlain: Bool = true) -> YAMLNode { YAMLNode(.scalar(text, isPlain: isPlain), at: .init(file: "")) }

    @Test(arguments: [
        ("1", 1.0), ("-1", -1), ("+3", 3), ("1e-4", 1e-4), ("1E-4", 1e-4), ("1.0e-4", 1e-4), (".5", 0.5), ("-.5", -0.5), ("1.", 1), ("1.e3", 1000),
        ("2_010", 2010), ("0x10", 16), ("0o17", 15), ("007", 7), ("1e400", nil), ("inf", nil), (".inf", nil), ("nan", nil), ("1:30", nil), ("abc", nil),
        ("", nil), ("-", nil), ("1e", nil), ("0x", nil), ("0x-1", nil), ("1 2", nil), (".", nil), ("+.", nil), (".e5", nil), ("-.E3", nil), ("٣", nil),
    ] as [(String, Double?)])
    func numbers(_ text: String, _ value: Double?) {
        #expect(scalar(text).number == value)
        #expect(scalar(text, isPlain: false).number == nil)
    }

    @Test(arguments: [("5", 5), ("2e3", 2000), ("200.0", 200), ("0.5", nil), ("1e30", nil), ("-0", 0), ("99999999999999999999", nil)] as [(String, Int?)])
    func integers(_ text: String, _ value: Int?) {
        #expect(scalar(text).integer == value)
    }

    @Test(arguments: [
        ("true", true), ("True", true), ("TRUE", true), ("yes", true), ("on", true), ("no", false), ("No", false), ("off", false), ("False", false),
        ("tRue", nil), ("1", nil), ("y", nil),
    ] as [(String, Bool?)])
    func booleans(_ text: String, _ value: Bool?) {
        #expect(scalar(text).boolean == value)
        #expect(scalar(text, isPlain: false).boolean == nil)
    }
}
