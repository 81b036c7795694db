import Files
import Foundation
import Jobs

/// The scores that are known of a run's pictures, in a file that is written anew with each: what a stop must not lose.
struct KnownScores {
    private struct Entry: Codable {
        /// Of the picture's bytes.
        let digest: String
        let score: ReportScores.Picture
    }

    private struct Contents: Codable {
        /// Of the models and of what is looked for.
        let basis: String
        var scores: [String: Entry] = [:]
        /// S_GT of the photos.
        var ideal: [[Double]]?
    }

    private let path: String
    private var contents: Contents

    /// What other models or other words gave counts for nothing, nor does a damaged file. Photos are those of the run.
    /// - Throws: `FileError` where a model's directory cannot be read.
    init(_ path: String, _ job: Job, _ models: ScoringModels, settings: String) throws {
        self.path = path
        let words = job.photos.subjects.map { "\($0.key)\n\($0.phrase)\n\(job.className(of: $0))" }.joined(separator: "\n\n")
        let basis = digest(Data(try DirectoryFingerprint.of([models.owlv2, models.dinov2]).utf8), Data(words.utf8), Data("2 \(settings)".utf8))
        let found = FileManager.default.contents(atPath: path).flatMap { try? JSONDecoder().decode(Contents.self, from: $0) }
        contents = if let found, found.basis == basis { found } else { Contents(basis: basis) }
    }

    /// nil where the picture has no score, or had it with other bytes.
    /// - Throws: `FileError`.
    func score(of picture: String, file: String) throws -> ReportScores.Picture? {
        guard let entry = contents.scores[file], entry.digest == (try Self.bytesDigest(of: picture)) else { return nil }
        return entry.score
    }

    /// - Throws: `FileError`.
    mutating func add(_ score: ReportScores.Picture, of picture: String) throws {
        contents.scores[score.file] = Entry(digest: try Self.bytesDigest(of: picture), score: score)
        try write()
    }

    var ideal: [[Double]]? {
        get { contents.ideal }
        set { contents.ideal = newValue }
    }

    /// - Throws: `FileError`.
    func write() throws {
        try AtomicFile.write(JSONEncoder(.sortedKeys).encode(contents), to: path)
    }

    private static func bytesDigest(of picture: String) throws(FileError) -> String {
        guard let bytes = FileManager.default.contents(atPath: picture) else { throw FileError("read", picture, code: errno) }
        return digest(bytes)
    }
}
