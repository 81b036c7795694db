import CPUDevice
import Diffusion
import Foundation
import ModelGoldens
import SegMix
import Tensors
import TestFolders
@testable import Training
import Weights

/// A training of a golden model on drawn photos, in a folder of its own.
struct SmallRun {
    let scratch: TemporaryFolder
    var model: SDXLDirectory
    var settings: TrainingSettings
    var sampler: SamplerSettings
    var hasPriors = true
    var resumeEvery = 1

    init(steps: Int = 4, model name: String = "odd-a") throws {
        CPUDevice.install()
        scratch = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: scratch.path + "/photos", withIntermediateDirectories: true)
        try DrawnPhotos.write(to: scratch.path + "/photos")
        model = SDXLDirectory(Golden.models.path + "/" + name)
        settings = TrainingSettings(schedule: .init(.linear, rate: 5e-3, warmupSteps: 1, totalSteps: steps, cycles: 1, power: 1))
        (settings.steps, settings.accumulation, settings.rank, settings.seed) = (steps, 2, 2, 11)
        settings.normalizesMaskedLoss = true
        sampler = SamplerSettings(
            resolution: 64, latentFactor: try model.vaeConfiguration().downsampling, batchSize: 1, segmixProbability: 0.5, softAlpha: 0.5,
            cropConditioning: true, seed: 11)
    }

    private func set(_ photos: [DrawnPhotos.Photo], _ names: [String: String]) throws -> SubjectSet {
        let folder = scratch.path + "/photos/"
        return try SubjectSet(
            subjects: names.sorted { $0.key < $1.key }.map { Subject(key: $0.key, phrase: $0.value) },
            photos: photos.map {
                Photo(subject: $0.subject, file: $0.file, path: folder + $0.file, mask: $0.mask, maskPath: folder + $0.mask, captions: [$0.caption])
            })
    }

    func examples() throws -> ExampleSampler {
        try ExampleSampler(
            sampler, instances: set(DrawnPhotos.instances, DrawnPhotos.phrases), priors: hasPriors ? set(DrawnPhotos.priors, DrawnPhotos.classes) : nil)
    }

    /// One process's part of the run: everything is loaded anew, as after a start.
    /// - Parameter stop: steps after which it is to stop.
    func go(
        in folder: String, stopAfter stop: Set<Int> = [], stopsAtStart: Bool = false, traces: Bool = false, keep: Checkpointing = .keepEverything
    ) throws -> (outcome: Trainer.Outcome, weights: [String: [Float]], observer: Witness) {
        let examples = try examples()
        let prompts = try Tape.paused { try PromptEncoder(model).encode(examples.prompts()) { _, _ in } }
        let loaded = try TrainingModel(model, settings: settings, prompts: prompts)
        let trainer = Trainer(
            settings, model: loaded, sampler: examples, keep: keep, resumeDirectory: scratch.path + "/" + folder + "/resume", resumeEvery: resumeEvery, resumeLimit: 2,
            fingerprint: ["seed": "\(settings.seed)"])
        let witness = Witness(stopAfter: stop, stopsAtStart: stopsAtStart)
        witness.weights = { Dictionary(uniqueKeysWithValues: loaded.adapters.parameters.map { ($0.name, $0.parameter.value.values) }) }
        let trace = traces ? try Trace(directory: scratch.path + "/" + folder + "/trace") : nil
        let outcome = try trainer.run(trace: trace, observer: witness)
        return (outcome, witness.weights(), witness)
    }

    /// Remembers what it was told.
    final class Witness: TrainingObserver {
        let stop: Set<Int>, stopsAtStart: Bool
        var started: [Int] = [], records: [StepRecord] = [], notes: [String] = []
        var weights: () -> [String: [Float]] = { [:] }

        init(stopAfter stop: Set<Int>, stopsAtStart: Bool) { (self.stop, self.stopsAtStart) = (stop, stopsAtStart) }

        func willStart(after step: Int) { started.append(step) }
        func didStep(_ record: StepRecord) { records.append(record) }
        func willKeep() {}
        var wantsToStop: Bool { records.last.map { stop.contains($0.step) } ?? stopsAtStart }
        func note(_ sentence: String) { notes.append(sentence) }
    }
}
