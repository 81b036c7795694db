/// What specification and metadata must agree on.
enum JobChecks {
    static func photos(_ photos: PhotoList, specification: JobSpecification, layers: SpecificationLayers) -> [Fault] {
        var faults: [Fault] = []
        let root = layers.merged
        let keys = photos.subjects.map(\.key)
        let known = keys.map { "\"\($0)\"" }.joined(separator: ", ")

        var phrases: [[Substring]: String] = [:]
        for subject in photos.subjects {
            // As CLIP's tokenizer reads them.
            let words = subject.phrase.lowercased().split(whereSeparator: \.isWhitespace)
            if let first = phrases.updateValue(subject.key, forKey: words) {
                faults.append(Fault(file: photos.source, line: 1, "the subjects \"\(first)\" and \"\(subject.key)\" have the same phrase, \"\(subject.phrase)\", and no prompt could tell them apart; give each a rare word of its own"))
            }
        }
        if specification.withPriorPreservation, specification.numClassImages < keys.count {
            faults.append(root.locationOfEntry("num_class_images").fault("`num_class_images: \(specification.numClassImages)` leaves a subject without prior images; use at least \(keys.count), one for each"))
        }
        if specification.segmixProbability > 0 {
            if keys.count == 1 {
                faults.append(Fault(file: photos.source, line: 1, "there is only one subject (\(known)), but composites of two are asked for; add a second subject, or set `segmix_prob: 0`"))
            }
        }
        for table in ["classes", "relative_scale"] {
            for entry in root[table]?.entries ?? [] where !keys.contains(entry.key) {
                faults.append(entry.location.fault("`\(table)` names the subject \"\(entry.key)\", which metadata.jsonl does not have (\(known))"))
            }
        }
        let render = root["render"]
        for entry in render?["layout"]?.entries ?? [] where !keys.contains(entry.key) {
            faults.append(entry.location.fault("`render.layout` names the subject \"\(entry.key)\", which metadata.jsonl does not have (\(known))"))
        }
        for key in specification.render.subjects ?? [] where !keys.contains(key) {
            faults.append((render?.locationOfEntry("subjects") ?? root.locationOfEntry("render"))
                .fault("`render.subjects` names the subject \"\(key)\", which metadata.jsonl does not have (\(known))"))
        }
        let placed = specification.render.subjects ?? []
        if Set(placed).count < placed.count {
            faults.append((render?.locationOfEntry("subjects") ?? root.locationOfEntry("render")).fault("`render.subjects` names a subject twice; name each once"))
        }
        faults += bestCheckpoint(photos, specification: specification, root: root)
        faults += rounds(photos, specification: specification, root: root)
        switch specification.relativeScale {
        case .number(0): break
        case .number:
            if keys.count > 2 {
                faults.append(root.locationOfEntry("relative_scale").fault("`relative_scale` as a number is for two subjects, and there are \(keys.count); write a table: {\(keys.map { "\($0): 1" }.joined(separator: ", "))}"))
            }
        case .table(let entries):
            let missing = keys.filter { key in !entries.contains { $0.subject == key } }
            if !missing.isEmpty {
                faults.append(root.locationOfEntry("relative_scale").fault("`relative_scale` leaves out \(missing.map { "\"\($0)\"" }.joined(separator: ", ")); name every subject (\(known))"))
            }
        }
        return faults
    }

    /// LoRAs are told apart by pictures that are to show every subject.
    private static func bestCheckpoint(_ photos: PhotoList, specification: JobSpecification, root: YAMLNode) -> [Fault] {
        guard specification.bestCheckpoint else { return [] }
        let phrases = photos.subjects.map { "“\($0.phrase)”" }.joined(separator: " and ")
        guard let prompt = specification.validationPrompt else {
            return [root.locationOfEntry("best_checkpoint").fault("`best_checkpoint` compares pictures of `validation_prompt`, which is not given; add one that names \(phrases)")]
        }
        let named = SubjectNames(photos.subjects).named(in: prompt), absent = photos.subjects.filter { !named.contains($0.key) }
        guard !absent.isEmpty else { return [] }
        return [root.locationOfEntry("validation_prompt").fault("`best_checkpoint` compares pictures of every subject, and `validation_prompt` does not name \(absent.map { "“\($0.phrase)”" }.joined(separator: ", ")); write a prompt with \(phrases), word for word")]
    }

    /// Pictures join that show every subject.
    private static func rounds(_ photos: PhotoList, specification: JobSpecification, root: YAMLNode) -> [Fault] {
        guard specification.rounds > 1, specification.promptsOfAll(photos.subjects).isEmpty else { return [] }
        let phrases = photos.subjects.map { "“\($0.phrase)”" }.joined(separator: " and ")
        return [root.locationOfEntry("rounds").fault("`rounds: 2` draws pictures of every subject, and no prompt of `render.prompts` and no `validation_prompt` names them all; add one with \(phrases), word for word")]
    }

    /// What the prior set and the photos must agree on.
    static func priors(_ list: PhotoList, photos: PhotoList) -> [Fault] {
        var faults: [Fault] = []
        let own = Set(photos.subjects.map(\.key)), others = Set(list.subjects.map(\.key))
        let missing = photos.subjects.map(\.key).filter { !others.contains($0) }
        let surplus = list.subjects.map(\.key).filter { !own.contains($0) }
        if !missing.isEmpty {
            faults.append(Fault(file: list.source, line: 1, "has no prior images for \(quoted(missing)) of metadata.jsonl; add them, or set `with_prior_preservation: false`"))
        }
        if !surplus.isEmpty, !own.isEmpty {
            faults.append(Fault(file: list.source, line: 1, "names \(quoted(surplus)), which metadata.jsonl does not have; both tables must have the same keys"))
        }
        return faults
    }

    private static func quoted(_ keys: [String]) -> String {
        (keys.count == 1 ? "the subject " : "the subjects ") + keys.map { "\"\($0)\"" }.joined(separator: ", ")
    }
}

extension YAMLNode {
    /// Where a key stands; the whole table where it does not have it.
    func locationOfEntry(_ key: String) -> Location { entries?.first { $0.key == key }?.location ?? location }
}
