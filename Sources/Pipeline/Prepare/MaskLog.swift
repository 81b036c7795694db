import Files
import Foundation
import Jobs
import Vision

/// A line of `masks/masks.jsonl`: how one mask came about.
struct MaskRecord: Codable, Equatable {
    /// The photo as the job calls it; a generated prior image as `prior/NAME.png`.
    var photo: String
    var subject: String
    /// The mask, relative to the output; nil where there is none to train on.
    var mask: String?
    /// The picture that shows it, relative to the output.
    var overlay: String?
    /// Of a generated prior image: how often it was drawn, and the seed of the last time.
    var attempts: Int?
    var seed: UInt64?
    /// Of everything that the mask depends on: the photo's bytes, the settings, the models.
    var key: String
    var decision: MaskDecision

    private enum CodingKeys: String, CodingKey { case photo, subject, mask, overlay, attempts, seed, key }

    init(photo: String, subject: String, key: String, decision: MaskDecision) {
        (self.photo, self.subject, self.key, self.decision) = (photo, subject, key, decision)
    }

    /// The decision's members stand beside the record's own.
    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(photo, forKey: .photo)
        try values.encode(subject, forKey: .subject)
        try values.encodeIfPresent(mask, forKey: .mask)
        try values.encodeIfPresent(overlay, forKey: .overlay)
        try values.encodeIfPresent(attempts, forKey: .attempts)
        try values.encodeIfPresent(seed, forKey: .seed)
        try values.encode(key, forKey: .key)
        try decision.encode(to: encoder)
    }

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        photo = try values.decode(String.self, forKey: .photo)
        subject = try values.decode(String.self, forKey: .subject)
        mask = try values.decodeIfPresent(String.self, forKey: .mask)
        overlay = try values.decodeIfPresent(String.self, forKey: .overlay)
        attempts = try values.decodeIfPresent(Int.self, forKey: .attempts)
        seed = try values.decodeIfPresent(UInt64.self, forKey: .seed)
        key = try values.decode(String.self, forKey: .key)
        decision = try MaskDecision(from: decoder)
    }
}

/// `masks/masks.jsonl`, rewritten whole with every decision: it is never half a line, and a run that is started again
/// finds in it what is done. Its lines stand in the order of the job, whatever order they were found in.
final class MaskLog {
    /// What there is a line for: a photo, looked at for one of its subjects.
    struct Line: Hashable {
        let photo, subject: String

        init(photo: String, subject: String) { (self.photo, self.subject) = (photo, subject) }
        init(_ photo: PhotoEntry) { self.init(photo: photo.file, subject: photo.subject) }
        init(_ record: MaskRecord) { self.init(photo: record.photo, subject: record.subject) }
    }

    private let path: String
    private let order: [Line: Int]
    let isInUse: Bool
    private var records: [Line: MaskRecord] = [:]
    /// Whether something stays that might be made otherwise by now.
    private(set) var keepsOther = false

    /// - Parameters:
    ///   - lines: what the job will have lines for, in this order; others are dropped.
    ///   - isInUse: whether a training goes by what is there: then it stays, whatever it would be made with by now.
    init(_ path: String, lines: [Line], isInUse: Bool = false) {
        (self.path, self.isInUse) = (path, isInUse)
        order = Dictionary(uniqueKeysWithValues: lines.enumerated().map { ($1, $0) })
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return }
        for line in text.split(separator: "\n") {
            guard let record = try? JSONDecoder().decode(MaskRecord.self, from: Data(line.utf8)), order[.init(record)] != nil else { continue }
            records[.init(record)] = record
        }
    }

    /// The record of a photo, if it was made from the very same, or is in use.
    func record(of line: Line, key: String) -> MaskRecord? { records[line].flatMap { isInUse || $0.key == key ? $0 : nil } }

    /// To be told of a record whose files stay.
    func keep(_ record: MaskRecord, key: String) { if record.key != key { keepsOther = true } }

    /// - Throws: `FileError`.
    func write(_ record: MaskRecord) throws {
        precondition(order[.init(record)] != nil, "MaskLog: \(record.photo) is not of this job")
        records[.init(record)] = record
        let encoder = JSONEncoder([.sortedKeys, .withoutEscapingSlashes])
        let lines = try records.values.sorted { order[.init($0)]! < order[.init($1)]! }.map { String(decoding: try encoder.encode($0), as: UTF8.self) }
        try AtomicFile.write(lines.joined(separator: "\n") + "\n", to: path)
    }
}
