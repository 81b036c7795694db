/// A token as a string, or as an object with `content` and how it is matched.
struct SpecialToken: Decodable {
    let content: String
    var id: Int?
    var normalized: Bool?, lstrip: Bool?, rstrip: Bool?, single_word: Bool?, special: Bool?

    /// As in transformers: unless it is said, special tokens are matched as they are written.
    var isNormalized: Bool { normalized ?? !(special ?? true) }

    init(content: String) { self.content = content }

    private enum Keys: String, CodingKey { case content, id, normalized, lstrip, rstrip, single_word, special }

    init(from decoder: any Decoder) throws {
        if let text = try? decoder.singleValueContainer().decode(String.self) {
            self.init(content: text)
            return
        }
        let object = try decoder.container(keyedBy: Keys.self)
        self.init(content: try object.decode(String.self, forKey: .content))
        id = try object.decodeIfPresent(Int.self, forKey: .id)
        normalized = try object.decodeIfPresent(Bool.self, forKey: .normalized)
        lstrip = try object.decodeIfPresent(Bool.self, forKey: .lstrip)
        rstrip = try object.decodeIfPresent(Bool.self, forKey: .rstrip)
        single_word = try object.decodeIfPresent(Bool.self, forKey: .single_word)
        special = try object.decodeIfPresent(Bool.self, forKey: .special)
    }
}
