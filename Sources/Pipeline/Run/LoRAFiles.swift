import Diffusion
import Files
import Foundation
import Jobs
import Training
import Weights

/// Writes the LoRA in both formats, the final one and those on the way.
final class LoRAFiles {
    private let job: Job
    private let adapters: AdapterSet
    private let directory: RunDirectory
    private let identity: ModelIdentity
    private let layersPerBlock: Int?
    private let schedule: SchedulerConfiguration
    /// Prompts of the pictures of an earlier round that joined the photos.
    private let joined: [String]
    /// When the run began, before any stop.
    private let began: Date
    private var hash: ModelHash?

    init(
        _ job: Job, _ adapters: AdapterSet, _ directory: RunDirectory, joined: [String], identity: ModelIdentity, layersPerBlock: Int?, schedule: SchedulerConfiguration, began: Date
    ) {
        (self.schedule, self.joined, self.began) = (schedule, joined, began)
        (self.job, self.adapters, self.directory, self.identity, self.layersPerBlock) = (job, adapters, directory, identity, layersPerBlock)
    }

    /// After `step` steps into `save-STEP`; nil: the result.
    func write(step: Int?) throws {
        let folder = directory.loraFolder(step: step)
        try Directory.create(folder)
        try adapters.writeDiffusers(to: directory.diffusersFile(step: step))
        guard job.specification.outputKohyaFormat else { return }
        try adapters.writeKohya(to: directory.kohyaFile(step: step), information(after: step ?? job.specification.maxTrainSteps), layersPerBlock: layersPerBlock)
    }

    private func information(after step: Int) throws -> LoRAInformation {
        let hash = try self.hash ?? identity.hash()
        self.hash = hash
        let s = job.specification
        var captions: [String: [String: Int]] = [:]
        for subject in job.photos.subjects {
            var counts: [String: Int] = [:]
            for photo in job.photos.photos(of: subject.key) { photo.captions.forEach { counts[$0, default: 0] += 1 } }
            captions["\(s.repeats)_\(subject.phrase)"] = counts
        }
        if !joined.isEmpty {
            captions["\(s.repeats)_" + job.photos.subjects.map(\.phrase).joined(separator: " and ")] = joined.reduce(into: [:]) { $0[$1, default: 0] += 1 }
        }
        // The day, not the moment: two runs of one job on one day give the same file, byte for byte.
        let day = Date(timeIntervalSince1970: (began.timeIntervalSince1970 / 86400).rounded(.down) * 86400)
        return LoRAInformation(
            title: job.name, triggerPhrases: job.photos.subjects.map(\.phrase), resolution: s.resolution,
            velocityPrediction: schedule.prediction == .v_prediction, zeroTerminalSNR: schedule.rescalesToZeroSNR, baseModel: hash, baseModelName: identity.name, date: day,
            description: "Seg-Mix LoRA of \(job.photos.subjects.map(\.phrase).joined(separator: " and "))", tagFrequency: captions,
            further: [
                "ss_learning_rate": "\(s.learningRate)", "ss_seed": "\(s.seed)", "ss_steps": "\(step)", "ss_max_train_steps": "\(s.maxTrainSteps)",
                "ss_lr_scheduler": s.lrScheduler.rawValue, "ss_gradient_accumulation_steps": "\(s.gradientAccumulationSteps)",
                "ss_batch_size_per_device": "\(s.trainBatchSize)", "ss_optimizer": "AdamW",
                "ss_num_train_images": "\(job.photos.photos.count + joined.count)", "ss_num_reg_images": "\(job.priors?.photos.count ?? 0)",
            ])
    }
}
