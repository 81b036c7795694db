/// A line of the `id` table: one subject.
public struct SubjectEntry: Equatable, Sendable, Codable {
    /// What the photos' lines call it ("a").
    public var key: String
    /// What prompts call it ("olis harry potter toy").
    public var phrase: String

    public init(key: String, phrase: String) {
        self.key = key
        self.phrase = phrase
    }

    /// The class: the phrase without its first (rare) word. A phrase of one word is its own class.
    public var className: String {
        let words = phrase.split(whereSeparator: \.isWhitespace)
        return words.count > 1 ? words.dropFirst().joined(separator: " ") : phrase
    }
}

/// One photo of a subject.
public struct PhotoEntry: Equatable, Sendable, Codable {
    /// The key of its subject.
    public var subject: String
    /// Relative to the job's folder, with `/` ("prior/a02.jpg").
    public var file: String
    /// Relative to the job's folder.
    public var mask: String?
    /// At least one; one of them is drawn each time.
    public var captions: [String]
    /// Its line in the metadata file, counted from 1.
    public var line: Int

    public init(subject: String, file: String, mask: String?, captions: [String], line: Int) {
        self.subject = subject
        self.file = file
        self.mask = mask
        self.captions = captions
        self.line = line
    }
}

/// What one `metadata.jsonl` or `prior/class_metadata.jsonl` says.
public struct PhotoList: Equatable, Sendable, Codable {
    /// The metadata file, relative to the job's folder.
    public var source: String
    /// In the order of the `id` table.
    public var subjects: [SubjectEntry]
    /// In the order of the file.
    public var photos: [PhotoEntry]

    public init(source: String, subjects: [SubjectEntry], photos: [PhotoEntry]) {
        self.source = source
        self.subjects = subjects
        self.photos = photos
    }

    /// The photos of a job's folder by themselves, without its specification: `metadata.jsonl`, or its subjects' folders.
    /// - Throws: `FaultList` with every fault.
    public static func read(folder: String) throws -> PhotoList {
        let (list, faults) = Job.readPhotos(try JobPath(root: folder))
        try faults.throwIfAny()
        guard let list else { preconditionFailure("no photos and no fault") }
        return list
    }

    public func photos(of subject: String) -> [PhotoEntry] { photos.filter { $0.subject == subject } }

    /// At most `count` photos (`num_class_images`), taken in turn from each subject: the first of every subject,
    /// then the second of every subject, and so on. The reference takes the first `count` lines, which leaves the
    /// later subjects without priors where the file lists one subject after the other.
    ///
    /// The photos that stay keep the order of the file.
    public func limited(to count: Int) -> PhotoList {
        guard photos.count > count else { return self }
        let queues = subjects.map { subject in photos.indices.filter { photos[$0].subject == subject.key } }
        var kept: [Int] = []
        var round = 0
        // Photos of subjects that the table does not name are a fault, told elsewhere.
        while kept.count < count, queues.contains(where: { round < $0.count }) {
            for queue in queues where round < queue.count && kept.count < count { kept.append(queue[round]) }
            round += 1
        }
        var list = self
        list.photos = kept.sorted().map { photos[$0] }
        return list
    }
}
