import Crypto
import Files
import Foundation
import Jobs
import SegMix
import Training
import Weights

/// What the first of two rounds left: the pictures that were drawn to join, their scores, and its own result. Written as soon as
/// it is known what joins; whatever happens then, the second round is trained on these.
struct FirstRound: Codable {
    /// A picture that might have joined.
    struct Candidate: Codable, Equatable {
        var picture: RenderedPicture
        var score: ReportScores.Picture
        /// Whether it shows each subject once.
        let isComplete: Bool
        var joins = false
        /// Of the file.
        let digest: String

        private enum CodingKeys: String, CodingKey { case picture, score, isComplete = "is_complete", joins, digest }
    }

    /// What must be the same for the second round to go on from this.
    let fingerprint: [String: String]
    var candidates: [Candidate]
    var contactSheet: String
    /// LoRA files, scores of the final pictures, what was compared: as the report says them.
    var files: [String]
    var scores: ReportScores?
    var checkpoints: CheckpointScores?
    /// What was to be said of it.
    var notes: [String]?
    /// Digests of what its pictures were asked for.
    struct Asked: Codable, Equatable { let validation, final: String }

    /// nil: written by an earlier release.
    var asked: Asked?

    private enum CodingKeys: String, CodingKey { case fingerprint, candidates, contactSheet = "contact_sheet", files, scores, checkpoints, notes, asked }

    /// Whether a second round's pictures, the validation pictures or the final ones, can be compared with its own.
    func isComparable(_ tools: RunTools, by part: KeyPath<Asked, String>) throws -> Bool { try asked.map { $0[keyPath: part] == (try tools.asked())[keyPath: part] } ?? true }

    var joining: [Candidate] { candidates.filter(\.joins) }

    /// Digest of everything that joins.
    var joinedDigest: String {
        var hash = SHA256()
        for one in joining { hash.update(data: Data("\(one.digest) \(one.picture.prompt)\n".utf8)) }
        return hexadecimal(hash.finalize().prefix(16))
    }

    /// What joins as training pictures. Prior pictures of the subjects accompany them in turn.
    func joined(in directory: RunDirectory, subjects: [String]) -> [SegMix.Photo] {
        joining.enumerated().map { i, one in
            SegMix.Photo(
                subject: subjects[i % subjects.count], file: one.picture.file, path: directory.path + "/" + one.picture.file, mask: nil, maskPath: nil,
                captions: [one.picture.prompt])
        }
    }

    /// The same with its files where they lie once the round was put aside.
    func aside() -> FirstRound {
        func moved(_ file: String) -> String { RunDirectory.firstRoundName + "/" + file }
        var round = self
        for i in round.candidates.indices {
            round.candidates[i].picture = candidates[i].picture.moved(moved)
            round.candidates[i].score = candidates[i].score.moved(moved)
        }
        round.contactSheet = moved(contactSheet)
        round.files = files.map(moved)
        round.scores?.pictures = (scores?.pictures ?? []).map { $0.moved(moved) }
        round.checkpoints = checkpoints.map { scores in
            CheckpointScores(
                scores.checkpoints.map { .init(round: $0.round, step: $0.step, files: $0.files.map(moved), pictures: $0.pictures.map { $0.moved(moved) }) },
                contactSheet: moved(scores.contactSheet))
        }
        return round
    }

    // MARK: On the disk

    func write(_ directory: RunDirectory) throws {
        try AtomicFile.write(JSONEncoder(.sortedKeys).encode(self), to: directory.firstRoundRecord)
    }

    /// What a run wrote before it was stopped; nil where the first round is not over.
    /// - Throws: `TrainingError` where it was another run, `Fault` where the record is damaged, `FileError` where it cannot be read.
    static func read(_ directory: RunDirectory, fingerprint: [String: String]) throws -> FirstRound? {
        let path = directory.firstRoundRecord
        guard let data = try Folder.contents(of: path, limit: .max) else { return nil }
        guard let round = try? JSONDecoder().decode(FirstRound.self, from: Data(data)) else {
            throw Fault("\(path) is damaged, and with it what is known of the first round; give the run another --output")
        }
        try TrainingError.requireSame(round.fingerprint, fingerprint, path: path)
        return round
    }

    /// The model's fingerprint in the record; nil where there is none.
    static func model(_ directory: RunDirectory) throws -> String? { try known(directory)?.fingerprint[Job.modelKey] }

    /// What has to be encoded for a second round that goes on; nothing where there is no record.
    static func prompts(_ directory: RunDirectory) throws -> [String] { try known(directory)?.joining.map(\.picture.prompt) ?? [] }

    private static func known(_ directory: RunDirectory) throws -> FirstRound? {
        try Folder.contents(of: directory.firstRoundRecord, limit: .max).flatMap { try? JSONDecoder().decode(FirstRound.self, from: Data($0)) }
    }

    /// - Throws: `Fault` for a picture that joined and is not what it was.
    func verify(_ directory: RunDirectory) throws {
        for one in joining where FileManager.default.contents(atPath: directory.path + "/" + one.picture.file).map({ digest($0) }) != one.digest {
            throw Fault("\(one.picture.file) joined the photos of the second round and was changed since; put the old one back, or give the run another --output")
        }
    }
}

extension RenderedPicture {
    fileprivate func moved(_ place: (String) -> String) -> RenderedPicture {
        var picture = self
        picture.file = place(file)
        picture.layout = layout.map(place)
        picture.lora = lora.map(place)
        return picture
    }
}

extension ReportScores.Picture {
    fileprivate func moved(_ place: (String) -> String) -> ReportScores.Picture {
        .init(file: place(file), score: score, reason: reason, similarity: similarity)
    }
}
