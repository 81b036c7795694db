import Files
import Foundation
import Images
import Jobs
import Vision
import Weights

/// Makes the masks that a job's photos and prior images lack.
struct MaskPreparation {
    let job: Job
    let folder: PreparedFolder
    let finder: SubjectFinder
    let log: MaskLog
    let progress: ProgressReporter

    /// A photo for which there is no mask, and why.
    struct Failure {
        let photo: PhotoEntry
        let complaint: String
        let overlay: String?
    }

    /// A mask that may be wrong.
    struct Doubt {
        let photo: PhotoEntry
        let reason: String
        let overlay: String?
    }

    struct Outcome {
        /// The absolute path of each photo's new mask; a photo that two subjects share has one for each.
        var masks: [MaskLog.Line: String] = [:]
        /// The entries that go without.
        var lacking: Set<MaskLog.Line> = []
        var failures: [Failure] = []
        var doubts: [Doubt] = []
    }

    /// - Returns: nil where a stop was asked for.
    func run() throws -> Outcome? {
        var outcome = Outcome()
        let photos = Self.looks(job, finder), priors = Set((job.priors?.photos ?? []).map(\.file))
        let names = PreparedFolder.names(photos.map { ($0.file, priors.contains($0.file)) })
        var cutOut: [String: [(subject: String, box: PixelBox)]] = [:]
        for (i, (photo, name)) in zip(photos, names).enumerated() {
            if StopRequest.shared.isSet { return nil }
            let isPrior = priors.contains(photo.file)
            let record = try record(of: photo, name: name, isPrior: isPrior), lines = lines(of: photo)
            if let mask = record.mask {
                for line in lines { outcome.masks[line] = folder.path + "/" + mask }
                if lines.count > 1 {
                    outcome.doubts.append(Doubt(photo: photo, reason: "the photo is that of several subjects, and what stands out is taken for each of them", overlay: record.overlay))
                }
                if finder.looksForClasses, let box = record.decision.segmentedBox {
                    if let other = cutOut[photo.file]?.first(where: { $0.box.intersectionOverUnion(box) > 0.7 }) {
                        outcome.doubts.append(Doubt(photo: photo, reason: "“\(other.subject)” was cut out of the same place", overlay: record.overlay))
                    }
                    cutOut[photo.file, default: []].append((photo.subject, box))
                }
                if let reason = record.decision.doubt { outcome.doubts.append(Doubt(photo: photo, reason: reason, overlay: record.overlay)) }
            } else {
                outcome.lacking.formUnion(lines)
                outcome.failures.append(Failure(photo: photo, complaint: record.decision.complaint ?? "no mask was found", overlay: record.overlay))
            }
            progress.step(ProgressLine(phase: .prepare, step: i + 1, total: photos.count, message: "mask of \(photo.file)"))
        }
        return outcome
    }

    /// What is looked at once. Two subjects may share a photo: it is looked at for the class of each, or for what stands out, once for all.
    static func looks(_ job: Job, _ finder: SubjectFinder) -> [PhotoEntry] {
        var seen: Set<MaskLog.Line> = []
        return job.unmasked.filter { seen.insert(.init(photo: $0.file, subject: finder.looksForClasses ? $0.subject : "")).inserted }
    }

    /// The photo's entries that one look serves.
    private func lines(of photo: PhotoEntry) -> Set<MaskLog.Line> {
        if finder.looksForClasses { return [.init(photo)] }
        return Set(job.unmasked.filter { $0.file == photo.file }.map { .init($0) })
    }

    /// The record that is there already, or a new one with its files.
    private func record(of photo: PhotoEntry, name: String, isPrior: Bool) throws -> MaskRecord {
        let path = job.place(of: photo.file)
        guard let bytes = FileManager.default.contents(atPath: path) else { throw FileError("read", path, code: errno == 0 ? EIO : errno) }
        let className = job.className(ofSubject: photo.subject)
        let key = digest(bytes, Data(className.utf8), Data((finder.identity + (isPrior ? " given" : "")).utf8))
        // Where other photos have come, it may have had another's name.
        let files = (mask: relative(folder.mask(named: name, isPrior: isPrior)), overlay: relative(folder.overlay(named: name, isPrior: isPrior)))
        if let old = log.record(of: .init(photo), key: key), log.isInUse || (old.mask ?? files.mask == files.mask && old.overlay == files.overlay),
            [old.mask, old.overlay].allSatisfy({ $0.map { Folder.exists(folder.path + "/" + $0) } ?? true }) {
            log.keep(old, key: key)
            return old
        }
        let picture = try ImageFile.readPhoto(path, name: photo.file)
        let result = try finder.mask(of: className, in: picture, generated: false)
        try MappedFiles.requireUnchanged()
        var record = MaskRecord(photo: photo.file, subject: photo.subject, key: key, decision: result.decision)
        let boxes = result.decision.boxes.map(\.box) + (result.decision.segmentedBox.map { [$0] } ?? [])
        try AtomicFile.write(PNGEncoder.encode(MaskOverlay.draw(picture, mask: result.mask, boxes: boxes)), to: folder.path + "/" + files.overlay)
        record.overlay = files.overlay
        if result.isGood, let mask = result.mask {
            try AtomicFile.write(PNGEncoder.encode(mask.image), to: folder.path + "/" + files.mask)
            record.mask = files.mask
        }
        // The line comes last: where it stands, its files are there.
        try log.write(record)
        return record
    }

    private func relative(_ path: String) -> String { String(path.dropFirst(folder.path.count + 1)) }
}

extension MaskPreparation.Doubt {
    /// - Parameter list: the photo's.
    func note(in list: PhotoList) -> String {
        let look = overlay.map { "; look at \($0), and if it is wrong," } ?? "; if it is wrong,"
        return "the mask of \(photo.file) may be wrong: \(reason)\(look) paint one (the subject white, the rest black) and \(list.takesMask(of: photo))"
    }
}

extension MaskPreparation.Failure {
    private var seen: String { overlay.map { "; \($0) in the output shows what was seen" } ?? "" }

    /// As one of several.
    var words: String { "\(photo.file) (\(complaint)\(seen))" }

    /// What is wrong and what would be right.
    /// - Parameters:
    ///   - list: the photo's.
    ///   - canDoWithout: whether its subject has another photo.
    func fault(in list: PhotoList, canDoWithout: Bool) -> Fault {
        list.fault(of: photo, "no mask could be made\(list.isInferred ? "" : " of \(photo.file)"): \(complaint)\(seen). Paint one (the subject white, the rest black) and \(list.takesMask(of: photo))\(canDoWithout ? ", remove the photo, or set `on_missing_mask: skip`" : "")")
    }
}
