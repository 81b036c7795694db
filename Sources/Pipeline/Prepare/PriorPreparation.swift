import Files
import Foundation
import Images
import Jobs
import Vision
import Weights

/// Makes a job's prior images with the base model, each with its mask: drawn, looked at, drawn again with another seed
/// where it does not show exactly one of its class.
struct PriorPreparation {
    let plans: [PriorPlan]
    let folder: PreparedFolder
    let finder: SubjectFinder
    let painter: PriorPainter
    let cache: PriorCache?
    let log: MaskLog
    let progress: ProgressReporter

    /// A picture with what was made of it.
    private struct Drawn {
        let image: RGBImage, result: MaskResult, attempt: Int, seed: UInt64
    }

    /// - Returns: the list of the prior images, called by their absolute paths; nil where a stop was asked for.
    /// - Throws: `JobFailure` for the classes that could not be drawn.
    func run() throws -> PhotoList? {
        var failures: [String] = []
        for plan in plans {
            do {
                guard try draw(plan) else { return nil }
            } catch let failure as ClassFailure {
                failures.append(failure.sentence)
            }
        }
        // What a class that failed has drawn lies there as well.
        do { try cache?.trim() } catch { progress.say(.prepare, "note: the cache of prior images cannot be looked through: \(error)") }
        guard failures.isEmpty else { throw JobFailure(.badInput, failures.joined(separator: "\n")) }
        let list = PhotoList(
            source: Job.priorList, subjects: plans.map { SubjectEntry(key: $0.subject.key, phrase: $0.className) },
            photos: plans.flatMap { plan in
                (0..<plan.count).map { i in
                    PhotoEntry(
                        subject: plan.subject.key, file: image(plan, i), mask: folder.mask(named: plan.name(i), isPrior: true),
                        captions: ["A photo of a \(plan.className)"], line: 0)
                }
            })
        try AtomicFile.write(list.metadataLines(relativeTo: folder.prior), to: folder.priorList)
        return list
    }

    /// What should be said of masks that may be wrong; one sentence for all, which are many.
    var doubts: String? {
        let doubtful = plans.flatMap { plan in
            (0..<plan.count).compactMap { i in log.record(of: .init(photo: photo(plan, i), subject: plan.subject.key), key: plan.key) }
        }.filter { $0.decision.doubt != nil }
        guard let first = doubtful.first, let reason = first.decision.doubt else { return nil }
        let named = doubtful.prefix(5).map(\.photo).joined(separator: ", ") + (doubtful.count > 5 ? " and \(doubtful.count - 5) more" : "")
        return "\(doubtful.count == 1 ? "the mask" : "masks") of \(doubtful.count == 1 ? "a prior image" : "\(doubtful.count) prior images") may be wrong (\(named); of the first: \(reason)); look at masks/overlay-prior-*.png, and if they are wrong, name the class in other words (`classes`) or add prior images of your own"
    }

    private func image(_ plan: PriorPlan, _ index: Int) -> String { "\(folder.prior)/\(plan.name(index)).png" }
    private func photo(_ plan: PriorPlan, _ index: Int) -> String { "prior/\(plan.name(index)).png" }

    /// What `masks.jsonl` will have lines for.
    static func lines(_ plans: [PriorPlan]) -> [MaskLog.Line] {
        plans.flatMap { plan in (0..<plan.count).map { .init(photo: "prior/\(plan.name($0)).png", subject: plan.subject.key) } }
    }

    /// All images of a class, one group of the first attempt after the other.
    private func draw(_ plan: PriorPlan) throws -> Bool {
        var done = 0
        for first in stride(from: 0, to: plan.count, by: plan.specification.prepare.priorBatchSize) {
            let group = plan.group(of: first), wanted = group.filter { $0 < plan.count }
            let missing = try wanted.filter { try !isThere(plan, $0) }
            if !missing.isEmpty {
                // The whole group, also where only one of it is missing: an image's last bits may depend on its company.
                let requests = group.map { plan.request(seed: plan.seed($0, attempt: 0)) }
                let said = "\(plan.className) \(first + 1)-\(wanted.last! + 1) of \(plan.count)"
                guard let pictures = try painter.pictures(requests, saying: said) else { return false }
                for index in missing {
                    let seed = requests[index - first].seed, picture = pictures[index - first]
                    guard let drawn = try accepted(plan, index, first: Drawn(
                        image: picture, result: try finder.mask(of: plan.className, in: picture, generated: true), attempt: 0, seed: seed))
                    else { return false }
                    try keep(drawn, plan, index)
                }
            }
            done += wanted.count
            progress.say(.prepare, "prior images of “\(plan.className)”: \(done) of \(plan.count)")
        }
        return true
    }

    /// The first attempt that shows exactly one of the class; nil where a stop was asked for.
    private func accepted(_ plan: PriorPlan, _ index: Int, first: Drawn) throws -> Drawn? {
        var drawn = first
        var rejected: [Drawn] = []
        while !drawn.result.isGood {
            rejected.append(drawn)
            let attempt = drawn.attempt + 1
            guard attempt < plan.specification.prepare.priorAttempts else { throw try ClassFailure(plan, index, kept(rejected.suffix(3), plan, index), drawn.result.decision) }
            let seed = plan.seed(index, attempt: attempt)
            guard let picture = try painter.pictures(
                [plan.request(seed: seed)], saying: "\(plan.className) \(index + 1) of \(plan.count), attempt \(attempt + 1)")?.first
            else { return nil }
            drawn = Drawn(image: picture, result: try finder.mask(of: plan.className, in: picture, generated: true), attempt: attempt, seed: seed)
        }
        return drawn
    }

    /// Whether the image is in the output already, or in the cache, from which it is then copied.
    private func isThere(_ plan: PriorPlan, _ index: Int) throws -> Bool {
        let name = plan.name(index), files = [image(plan, index), folder.mask(named: name, isPrior: true), folder.overlay(named: name, isPrior: true)]
        if let record = log.record(of: .init(photo: photo(plan, index), subject: plan.subject.key), key: plan.key), files.allSatisfy({ Folder.exists($0) }) {
            log.keep(record, key: plan.key)
            return true
        }
        guard let entry = cache?.entry(plan.key, plan.first + index) else { return false }
        try write(entry, plan, index)
        return true
    }

    private func keep(_ drawn: Drawn, _ plan: PriorPlan, _ index: Int) throws {
        guard let mask = drawn.result.mask else { preconditionFailure("an accepted picture has a mask") }
        // Other jobs take it from the cache for what these very weights have drawn.
        try MappedFiles.requireUnchanged()
        var record = MaskRecord(photo: photo(plan, index), subject: plan.subject.key, key: plan.key, decision: drawn.result.decision)
        (record.attempts, record.seed) = (drawn.attempt + 1, drawn.seed)
        let entry = PriorCache.Entry(
            image: PNGEncoder.encode(drawn.image), mask: PNGEncoder.encode(mask.image),
            overlay: PNGEncoder.encode(overlay(drawn)), record: record)
        try write(entry, plan, index)
        // A cache that cannot be written costs time only.
        do { try cache?.store(entry, plan.key, plan.first + index) } catch { progress.say(.prepare, "note: the cache of prior images cannot be written: \(error)") }
    }

    /// Into the output; the line of `masks.jsonl` comes last.
    private func write(_ entry: PriorCache.Entry, _ plan: PriorPlan, _ index: Int) throws {
        let name = plan.name(index), mask = folder.mask(named: name, isPrior: true), overlay = folder.overlay(named: name, isPrior: true)
        try AtomicFile.write(entry.image, to: image(plan, index))
        try AtomicFile.write(entry.mask, to: mask)
        try AtomicFile.write(entry.overlay, to: overlay)
        var record = entry.record
        (record.photo, record.subject, record.key) = (photo(plan, index), plan.subject.key, plan.key)
        record.mask = String(mask.dropFirst(folder.path.count + 1))
        record.overlay = String(overlay.dropFirst(folder.path.count + 1))
        try log.write(record)
    }

    private func overlay(_ drawn: Drawn) -> RGBImage {
        MaskOverlay.draw(drawn.image, mask: drawn.result.mask, boxes: drawn.result.decision.boxes.map(\.box))
    }

    /// Writes the pictures that were refused last; their names, relative to the output.
    private func kept(_ drawn: ArraySlice<Drawn>, _ plan: PriorPlan, _ index: Int) throws -> [String] {
        try drawn.map {
            let name = "masks/rejected-\(plan.name(index))-\($0.attempt + 1).png"
            try AtomicFile.write(PNGEncoder.encode(overlay($0)), to: folder.path + "/" + name)
            return name
        }
    }
}

/// A class of which no good picture came.
private struct ClassFailure: Error {
    let sentence: String

    init(_ plan: PriorPlan, _ index: Int, _ pictures: [String], _ decision: MaskDecision) {
        let tries = plan.specification.prepare.priorAttempts
        sentence = "prior images of “\(plan.className)” (subject \"\(plan.subject.key)\"): number \(index + 1) of \(plan.count) was drawn \(tries) times, and none shows exactly one; the last time, \(decision.complaint ?? "the mask was empty"). See \(pictures.joined(separator: ", ")) in the output; name the class in other words (`classes: {\(plan.subject.key): …}`), allow more by `prepare` (\(decision.method == .detection ? "prior_threshold" : "least_agreement, most_rival"), prior_attempts), add prior images of your own, or set `with_prior_preservation: false`; where these pictures are noise, see to `prediction_type` in the model's scheduler_config.json"
    }
}
