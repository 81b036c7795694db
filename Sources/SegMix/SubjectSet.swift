/// Someone or something to be learned: a key of the `id` table and its placeholder phrase.
public struct Subject: Equatable, Hashable, Sendable {
    public let key: String
    /// A rare token and a class for the subjects of a job ("hta corgi"), the class alone in a prior set.
    public let phrase: String

    public init(key: String, phrase: String) { (self.key, self.phrase) = (key, phrase) }
}

/// One picture of a subject.
public struct Photo: Equatable, Sendable {
    /// Key of its subject.
    public let subject: String
    /// The file as errors and the trace call it: relative to the job folder (`prior/a02.jpg`).
    public let file: String
    /// Where the file lies.
    public let path: String
    /// The mask's name and place; nil where there is none (yet).
    public let mask: String?
    public let maskPath: String?
    /// One of them is drawn each time the photo is shown plain.
    public let captions: [String]

    public init(subject: String, file: String, path: String, mask: String?, maskPath: String?, captions: [String]) {
        precondition((mask == nil) == (maskPath == nil), "Photo \(file): mask \(mask ?? "nil") at \(maskPath ?? "nil")")
        self.subject = subject
        (self.file, self.path, self.mask, self.maskPath, self.captions) = (file, path, mask, maskPath, captions)
    }
}

/// The subjects in the order of the `id` table, and their photos in the order of the metadata file.
public struct SubjectSet: Equatable, Sendable {
    public let subjects: [Subject]
    public let photos: [Photo]
    /// Positions in `photos` of each subject's photos, in the order of `subjects`.
    let photosOfSubject: [[Int]]
    /// Position in `subjects` of each photo's subject.
    let subjectOfPhoto: [Int]

    /// Throws `SegMixError` for a key that occurs twice, a photo of an unknown subject, a subject without photos.
    public init(subjects: [Subject], photos: [Photo]) throws(SegMixError) {
        var position: [String: Int] = [:]
        for (i, subject) in subjects.enumerated() {
            guard position.updateValue(i, forKey: subject.key) == nil else {
                throw SegMixError("The subject \"\(subject.key)\" occurs twice in the id table; give each subject its own key.")
            }
        }
        guard !subjects.isEmpty else { throw SegMixError("The id table names no subject; name each with its phrase.") }
        var photosOfSubject = [[Int]](repeating: [], count: subjects.count), subjectOfPhoto: [Int] = []
        for (i, photo) in photos.enumerated() {
            guard let subject = position[photo.subject] else {
                let known = subjects.map { "\"\($0.key)\"" }.joined(separator: ", ")
                throw SegMixError("\(photo.file): its subject \"\(photo.subject)\" is not in the id table, which has \(known); correct the id of this photo.")
            }
            photosOfSubject[subject].append(i)
            subjectOfPhoto.append(subject)
        }
        for (subject, own) in zip(subjects, photosOfSubject) where own.isEmpty {
            throw SegMixError("The subject \"\(subject.key)\" (\(subject.phrase)) has no photo; add at least one, or take it out of the id table.")
        }
        (self.subjects, self.photos) = (subjects, photos)
        (self.photosOfSubject, self.subjectOfPhoto) = (photosOfSubject, subjectOfPhoto)
    }

    func position(ofSubject key: String) -> Int? { subjects.firstIndex { $0.key == key } }
}
