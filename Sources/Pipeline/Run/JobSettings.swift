import Files
import Foundation
import Jobs
import SegMix
import Training

/// The job's specification in the terms of the parts that carry it out.
extension JobSpecification {
    var trainingSettings: TrainingSettings {
        let s = self
        guard let kind = Training.LearningRateSchedule.Kind(rawValue: s.lrScheduler.rawValue) else {
            preconditionFailure("no schedule \(s.lrScheduler.rawValue)")
        }
        var t = TrainingSettings(schedule: .init(
            kind, rate: s.learningRate, warmupSteps: s.lrWarmupSteps, totalSteps: s.maxTrainSteps, cycles: s.lrNumCycles, power: s.lrPower))
        (t.steps, t.accumulation) = (s.maxTrainSteps, s.gradientAccumulationSteps)
        (t.beta1, t.beta2, t.epsilon, t.weightDecay) = (s.adamBeta1, s.adamBeta2, s.adamEpsilon, s.adamWeightDecay)
        (t.maxGradientNorm, t.rank, t.seed) = (s.maxGradNorm, s.rank, UInt64(bitPattern: Int64(s.seed)))
        (t.priorWeight, t.dcoBeta, t.normalizesMaskedLoss) = (s.priorLossWeight, s.dcoBeta, s.normalizeMaskedLoss)
        t.precision = s.mixedPrecision.elementType
        return t
    }
}

extension Job {
    var trainingSettings: TrainingSettings { specification.trainingSettings }

    func samplerSettings(latentFactor: Int) -> SamplerSettings {
        let s = specification
        return SamplerSettings(
            resolution: s.resolution, latentFactor: latentFactor, batchSize: s.trainBatchSize, segmixProbability: s.segmixProbability,
            segmixStartStep: s.segmixStartStep, relativeScale: .init(s.relativeScale), softAlpha: s.softAlpha, centerCrop: s.centerCrop,
            cropConditioning: s.cropConditioning, latentPool: s.latentPool, repeats: s.repeats, seed: UInt64(bitPattern: Int64(s.seed)))
    }

    /// - Parameters:
    ///   - joined: pictures of an earlier round among the photos.
    ///   - digests: what the files held when the run began, so that nothing else is trained on.
    /// - Throws: `SegMixError`.
    func sampler(latentFactor: Int, joined: [SegMix.Photo] = [], digests: PhotoDigests? = nil) throws -> ExampleSampler {
        try ExampleSampler(
            samplerSettings(latentFactor: latentFactor), instances: SubjectSet(photos, in: path), priors: priors.map { try SubjectSet($0, in: path) }, joined: joined,
            cache: PhotoCache { try digests?.verify(path: $0) })
    }

    /// - Throws: `SegMixError`.
    func composer() throws -> Composer { try Composer(SubjectSet(photos, in: path), relativeScale: samplerSettings(latentFactor: 8).relativeScale) }

    /// Every photo and mask of the job, relative to its folder, each once.
    var files: [String] {
        var seen: Set<String> = []
        return (photos.photos + (priors?.photos ?? [])).flatMap { [$0.file] + ($0.mask.map { [$0] } ?? []) }.filter { seen.insert($0).inserted }
    }

    /// What the model's own fingerprint is called in that of a run.
    static let modelKey = TrainingError.filePrefix + "the model"

    /// What must be the same for an interrupted run to go on: every setting that touches the numbers, the photos' bytes,
    /// the model.
    func fingerprint(model: String) throws -> [String: String] {
        let encoder = JSONEncoder(.sortedKeys)
        let s = specification
        guard let object = try JSONSerialization.jsonObject(with: encoder.encode(s)) as? [String: Any] else { return [:] }
        let immaterial: Set = [
            "model", "save_steps", "checkpointing_steps", "checkpoints_total_limit", "validation_prompt", "num_validation_images",
            "validation_steps", "output_kohya_format", "best_checkpoint", "rounds", "join", "classes", "priority", "not_before", "render", "gradient_checkpointing", "on_missing_mask", "prepare",
        ]
        let file = TrainingError.filePrefix
        var print = [Self.modelKey: model]
        for (key, value) in object where !immaterial.contains(key) { print[key] = try Self.text(value) }
        // A key that earlier releases did not have: their runs go on.
        if s.latentPool == 0 { print["latent_pool"] = nil }
        // Where the output lies does not matter.
        for list in [photos] + (priors.map { [$0] } ?? []) { print[file + PhotoList.ownName(list.source)] = digest(try encoder.encode(list.withoutPlaces)) }
        for name in files { print[file + PhotoList.ownName(name)] = digest(Data(try Folder.contents(of: place(of: name), limit: .max) ?? [])) }
        return print
    }

    /// Digest of what the folder holds of photos, masks, captions and subjects.
    func inputs() throws -> String {
        let files = try fingerprint(model: "").filter { $0.key.hasPrefix(TrainingError.filePrefix) }
        return digest(Data(files.map { "\($0.key) \($0.value)" }.sorted().joined(separator: "\n").utf8))
    }

    /// A table in the order of its keys; a dictionary of Swift's own has another order in every process.
    private static func text(_ value: Any) throws -> String {
        guard JSONSerialization.isValidJSONObject(value) else { return "\(value)" }
        return String(decoding: try JSONSerialization.data(withJSONObject: value, options: .sortedKeys), as: UTF8.self)
    }
}

extension PhotoList {
    /// What was made for the job is called by its own name only, and that of its folder: `masks/a00.png`.
    fileprivate static func ownName(_ file: String) -> String {
        file.utf8.first == UInt8(ascii: "/") ? file.split(separator: "/").suffix(2).joined(separator: "/") : file
    }

    fileprivate var withoutPlaces: PhotoList {
        var list = self
        for i in list.photos.indices {
            list.photos[i].file = Self.ownName(list.photos[i].file)
            list.photos[i].mask = list.photos[i].mask.map(Self.ownName)
            // A blank line changes nothing.
            list.photos[i].line = 0
        }
        return list
    }
}

extension SegMix.Photo {
    /// What was made for the job has a path of its own, everything else is in its folder.
    init(_ entry: PhotoEntry, in folder: String) {
        func place(_ file: String) -> String { file.hasPrefix("/") ? file : folder + "/" + file }
        self.init(
            subject: entry.subject, file: entry.file, path: place(entry.file), mask: entry.mask, maskPath: entry.mask.map(place), captions: entry.captions)
    }
}

extension SubjectSet {
    /// What a metadata file says, for a job's folder.
    init(_ list: PhotoList, in folder: String) throws {
        try self.init(
            subjects: list.subjects.map { Subject(key: $0.key, phrase: $0.phrase) },
            photos: list.photos.map { SegMix.Photo($0, in: folder) })
    }
}

extension SegMix.RelativeScale {
    /// As a specification says it.
    init(_ scale: Jobs.RelativeScale) {
        self = switch scale {
        case .number(0): .random
        case .number(let ratio): .ratio(ratio)
        case .table(let entries): .table(Dictionary(uniqueKeysWithValues: entries.map { ($0.subject, $0.scale) }))
        }
    }
}
