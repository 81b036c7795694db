/// Which pictures of round 1 join the photos of round 2 (`join` of a job specification, with `rounds: 2`).
public struct JoinSpecification: Codable, Equatable, Sendable {
    /// How many pictures are drawn, over all prompts that name every subject and all γ of `render`, in turn.
    public var candidates = 20
    /// The least Detect-and-Compare score with which a picture joins. That it shows each subject once is
    /// asked for in any case.
    public var threshold = 0.5
    /// The best join, and no more of them than this: photos should outweigh what was drawn after them.
    public var most = 10

    public init() {}

    enum CodingKeys: String, CodingKey, CaseIterable { case candidates, threshold, most }

    init(_ values: KeyedValues) {
        candidates = values.integer("candidates", 1...10_000, default: candidates)
        threshold = values.number("threshold", NumberRange(lower: -10, upper: 1), default: threshold)
        most = values.integer("most", 1...10_000, default: most)
        values.reportUnknownKeys()
    }
}

extension JobSpecification {
    /// The prompts of final pictures that name every subject; where none does, the validation prompt if it does.
    public func promptsOfAll(_ subjects: [SubjectEntry]) -> [String] {
        let names = SubjectNames(subjects)
        func named(_ prompts: [String]) -> [String] { prompts.filter { names.named(in: $0).count == subjects.count } }
        let final = named(render.prompts)
        return final.isEmpty ? named(validationPrompt.map { [$0] } ?? []) : final
    }
}
