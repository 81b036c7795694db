/// What is said about a composite.
public enum Prompts {
    /// The drawn subject first, whatever its side.
    public static func composite(_ drawn: Subject, _ second: Subject) -> String {
        "a photo of a \(drawn.phrase) and a \(second.phrase), simple background."
    }
}
