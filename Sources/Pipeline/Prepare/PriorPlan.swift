import Crypto
import Diffusion
import Foundation
import Jobs
import Tensors

/// The prior images of one subject's class: a pure function of the model, the class, the sampling and the seed. Image i of a class does
/// not depend on how many there are; subjects that share a class have images of their own, one after the other.
struct PriorPlan {
    let subject: SubjectEntry
    let className: String
    let count: Int
    /// The first of the class's images that are this subject's; the first of a group.
    let first: Int
    /// Of everything the images depend on; the name of their place in the cache.
    let key: String
    let specification: JobSpecification
    /// The image's side in pixels.
    let side: Int

    private let sampler: Sampler.Kind

    /// One plan for each subject: `num_class_images` dealt out in turn.
    static func plans(_ job: Job, model: String, sampler: Sampler.Kind, finder: String, factor: Int) throws -> [PriorPlan] {
        let subjects = job.photos.subjects, total = job.specification.numClassImages, group = job.specification.prepare.priorBatchSize
        var taken: [String: Int] = [:]
        return try subjects.enumerated().map { i, subject in
            let count = total / subjects.count + (i < total % subjects.count ? 1 : 0), first = taken[job.className(of: subject)] ?? 0
            taken[job.className(of: subject)] = first + (count + group - 1) / group * group
            return try PriorPlan(job, subject, count: count, first: first, model: model, sampler: sampler, finder: finder, factor: factor)
        }
    }

    /// What prior images are drawn with.
    static func sampler(_ schedule: NoiseSchedule, steps: Int) -> Sampler.Kind { .first(of: .euler, .euler_ancestral, following: schedule, steps: steps) }

    private init(_ job: Job, _ subject: SubjectEntry, count: Int, first: Int, model: String, sampler: Sampler.Kind, finder: String, factor: Int) throws {
        (self.subject, self.count, self.first, self.sampler, specification) = (subject, count, first, sampler, job.specification)
        className = job.className(of: subject)
        side = job.specification.resolution / factor * factor
        let p = job.specification.prepare
        let parts = [
            "prior 1", model, finder, className, p.prompt(of: className), p.priorNegativePrompt, "\(side)", sampler.rawValue, "\(p.priorSteps)",
            "\(p.priorGuidance)", "\(p.priorBatchSize)", "\(p.priorAttempts)", "\(job.specification.seed)",
        ]
        key = digest(try JSONEncoder().encode(parts))
    }

    /// a000, a001, …
    func name(_ index: Int) -> String { Self.fileName(subject.key) + String(format: "%03d", index) }

    /// A subject's key as the beginning of a file name, of which no number can make another's.
    private static func fileName(_ key: String) -> String {
        let plain = key.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) } && key.count <= 32
        return plain ? (key.last?.isNumber == true ? key + "-" : key) : "s" + digest(Data(key.utf8)).prefix(8) + "-"
    }

    /// Images that are sampled together the first time.
    func group(of index: Int) -> Range<Int> {
        let size = specification.prepare.priorBatchSize, first = index / size * size
        return first..<min(first + size, (count + size - 1) / size * size)
    }

    /// The seed of an image's noise at one of its attempts, counted from 0. Every class has its own.
    func seed(_ index: Int, attempt: Int) -> UInt64 {
        let word = SHA256.hash(data: Data(className.utf8)).prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        var stream = RandomStream(seed: UInt64(bitPattern: Int64(specification.seed)) ^ word, purpose: .priorSeed, step: first + index, index: attempt)
        // JSON's numbers keep 53 bits.
        return stream.next() >> 11
    }

    func request(seed: UInt64) -> RenderRequest {
        let p = specification.prepare
        return RenderRequest(
            prompt: p.prompt(of: className), negativePrompt: p.priorNegativePrompt, seed: seed, steps: p.priorSteps, guidance: p.priorGuidance,
            width: side, height: side, sampler: sampler)
    }
}
