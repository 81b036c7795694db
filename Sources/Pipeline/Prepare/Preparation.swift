import CPUDevice
import Diffusion
import Files
import Foundation
import Jobs
import Vision
import Weights

/// Makes what a job lacks, masks and prior images, and completes the job with it. Started again after a stop, it goes on
/// with the image it was at, and ends with the very same set.
public struct Preparation {
    /// What the machine has for it.
    public struct Means: Sendable {
        /// The job's; nil: none is set up, and none is needed for what the job lacks.
        public var model: Configuration.Model?
        /// The configuration's `mask_models`.
        public var maskModels: String?
        /// Where prior images are kept for other jobs, and how much of them; nil: nowhere.
        public var cache: String?
        public var cacheSize: Int
        /// Where files of models that lie on other machines are kept.
        public var modelCopies: String
        /// In bytes: what they must leave free.
        public var minFreeSpace: Int

        public init(_ configuration: Configuration, model: Configuration.Model?) {
            self.model = model
            maskModels = configuration.maskModels
            cache = configuration.state + "/cache/priors"
            cacheSize = configuration.cacheSize
            modelCopies = configuration.state + "/cache/models"
            minFreeSpace = configuration.minFreeSpace
        }

        /// From now on models on other machines are read from copies on this one.
        public func keepLocalCopies() {
            LocalCopies.use(LocalCopies(directory: modelCopies, limit: cacheSize, reserve: minFreeSpace))
        }
    }

    let job: Job
    let means: Means
    let folder: PreparedFolder
    let progress: ProgressReporter

    /// - Parameter output: an absolute path; what is made goes into its `masks` and `prior`.
    public init(_ job: Job, _ means: Means, output: String, progress: ProgressReporter) {
        (self.job, self.means, self.progress) = (job, means, progress)
        folder = PreparedFolder(path: output)
    }

    public static func isNeeded(_ job: Job) -> Bool { !job.unmasked.isEmpty || job.lacksPriors }

    /// - Returns: the job with everything in place, and what should be said of it; nil where a stop was asked for.
    /// - Throws: `JobFailure`, `FaultList`, and what reading pictures and models throws.
    public func run() throws -> (job: Job, notes: [String])? {
        guard Self.isNeeded(job) else { return (job, []) }
        let device = CPUDevice.install()
        defer { device.trim() }
        try folder.create(withPriors: job.lacksPriors || !(job.priors?.photos ?? []).allSatisfy { $0.mask != nil })
        let finder = try SubjectFinder(means, job.specification.prepare), cache = means.cache.map { PriorCache(path: $0, limit: means.cacheSize) }
        progress.say(.prepare, "making what is missing with \(finder.description)")
        var plans: [PriorPlan] = []
        let model = try painting()
        if let model {
            let sampler = try PriorPlan.sampler(model.loadSchedule(), steps: job.specification.prepare.priorSteps)
            func planned(_ identity: String) throws -> [PriorPlan] {
                try PriorPlan.plans(job, model: identity, sampler: sampler, finder: finder.identity, factor: try model.vaeConfiguration().downsampling)
            }
            plans = try planned(DirectoryFingerprint.of(model.places, variant: model.variant))
            // What an earlier release has drawn need not be drawn again.
            if let cache, !plans.contains(where: { cache.holds($0.key) }), let former = DirectoryFingerprint.former(model), case let known = try planned(former),
                known.contains(where: { cache.holds($0.key) }) { plans = known }
        }
        let log = MaskLog(folder.log, lines: MaskPreparation.looks(job, finder).map { .init($0) } + PriorPreparation.lines(plans), isInUse: try RunDirectory(folder.path, name: job.name).hasBegun())
        guard let masks = try MaskPreparation(job: job, folder: folder, finder: finder, log: log, progress: progress).run() else { return nil }
        var (completed, notes) = try complete(masks)
        if let model {
            let painter = PriorPainter(model, requests: plans.map { $0.request(seed: 0) }, progress: progress)
            let preparation = PriorPreparation(
                plans: plans, folder: folder, finder: finder, painter: painter, cache: cache, log: log, progress: progress)
            guard let priors = try preparation.run() else { return nil }
            completed.priors = priors
            notes += preparation.doubts.map { [$0] } ?? []
        }
        if log.keepsOther { notes.append("masks and prior images stay those that the training began with; with the `prepare`, `classes` and models of now they might come out otherwise") }
        if !masks.masks.isEmpty { notes.append("masks were made for \(masks.masks.count) pictures; look at masks/overlay-*.png to see whether they are right") }
        notes.forEach { progress.say(.prepare, "note: \($0)") }
        return (completed, notes)
    }

    /// What prior images are drawn by; nil where none are missing.
    private func painting() throws -> SDXLDirectory? {
        guard job.lacksPriors else { return nil }
        guard let model = means.model else { throw JobFailure(.unavailable, "prior images are drawn by the job's model, but none is set up") }
        return SDXLDirectory(model)
    }

    /// The job with its new masks, without the photos that have none if the specification says so.
    private func complete(_ outcome: MaskPreparation.Outcome) throws -> (Job, [String]) {
        var job = job, notes: [String] = []
        func list(_ photo: PhotoEntry) -> PhotoList { photo.file.hasPrefix("prior/") ? job.priors ?? job.photos : job.photos }
        if job.specification.onMissingMask == .fail {
            try outcome.failures.map { failure in
                let list = list(failure.photo), subjects = Set(list.photos.filter { $0.file == failure.photo.file }.map(\.subject))
                let others = list.photos.filter { $0.file != failure.photo.file && !outcome.lacking.contains(.init($0)) }
                return failure.fault(in: list, canDoWithout: subjects.isSubset(of: others.map(\.subject)))
            }.throwIfAny()
        }
        notes += outcome.failures.map { "\($0.photo.file) is left out (`on_missing_mask: skip`): \($0.complaint)" }
        notes += outcome.doubts.map { $0.note(in: list($0.photo)) }
        func filled(_ given: PhotoList) throws -> PhotoList {
            var list = given
            list.photos = list.photos.filter { $0.mask != nil || !outcome.lacking.contains(.init($0)) }
            for i in list.photos.indices where list.photos[i].mask == nil { list.photos[i].mask = outcome.masks[.init(list.photos[i])] }
            for subject in list.subjects where !list.photos.contains(where: { $0.subject == subject.key }) {
                let own = Set(given.photos.filter { $0.subject == subject.key }.map(\.file)), failed = outcome.failures.filter { own.contains($0.photo.file) }, first = failed.prefix(3).map(\.words).joined(separator: ", ")
                let more = failed.count > 3 ? " and \(failed.count - 3) more" : "", how = failed.first.map { list.takesMask(of: $0.photo) } ?? ""
                throw Fault(file: list.source, "no photo of the subject \"\(subject.key)\" (\(subject.phrase)) is left: no mask could be made of \(first)\(more). Paint one (the subject white, the rest black) and \(how)")
            }
            return list
        }
        if job.needsMasks {
            job.photos = try filled(job.photos)
            job.priors = try job.priors.map(filled)
        }
        return (job, notes)
    }
}
