import CPUDevice
import Diffusion
import Files
import Foundation
import Images
import Jobs
import SegMix
import Training
import Weights

/// Everything that can be known of a job before it runs, beyond what its text says: every photo and mask decoded, every
/// cut-out looked at, every tensor of the model asked for by name and shape.
public struct JobCheck {
    let job: Job
    let model: SDXLDirectory?
    private let drawsFinal: Bool

    /// - Parameters:
    ///   - model: nil: the job's photos and masks alone.
    ///   - drawsFinal: false: no final pictures are wanted.
    public init(_ job: Job, model: Configuration.Model?, drawsFinal: Bool = true) {
        (self.job, self.model, self.drawsFinal) = (job, model.map(SDXLDirectory.init), drawsFinal)
    }

    /// - Returns: what the pictures will need.
    /// - Throws: `FaultList` with every fault; `JobFailure` (unavailable) where the model is not there, may not be read, or is the
    ///   configuration's and all that is wrong; `FileError` for what may pass.
    @discardableResult public func run() throws -> PictureNeeds {
        if let absence = try model.flatMap({ try Self.absence(of: $0, isNamedByPath: job.specification.namesModelByPath) }) {
            // What is wrong with the pictures is said too, and not only once the model is there.
            throw JobFailure(.unavailable, absence + photoFindings().faults.map { "\n\($0)" }.joined())
        }
        if let model { try requireReadable(model) }
        var said: Set<Fault> = []
        let pictures = photoFindings(), found = try model.map(faults(of:)) ?? (ofModel: [], ofJob: [])
        let all = (found.ofModel + found.ofJob + pictures.faults).filter { said.insert($0).inserted }
        // What is wrong with a model of the configuration nobody mends by changing the folder.
        if !found.ofModel.isEmpty, found.ofJob.isEmpty, pictures.faults.isEmpty, !job.specification.namesModelByPath {
            throw JobFailure(.unavailable, FaultList(all).description)
        }
        try all.throwIfAny()
        return pictures.pictures
    }

    /// Why the model's directory cannot be looked into; nil where it can.
    /// - Throws: `FileError` for what may pass.
    private static func absence(of model: SDXLDirectory, isNamedByPath: Bool) throws -> String? {
        func leadsToDirectory(_ path: String) throws -> Bool { try JobFailure.destination(path) == .directory }
        let place = isNamedByPath ? "`model` in the job's specification" : "`models` in the configuration"
        if try leadsToDirectory(model.path + "/snapshots"), try !leadsToDirectory(model.path + "/unet") {
            return "\(model.path) is a Hugging Face cache; correct \(place): the model is the folder below its snapshots/"
        }
        guard let folder = try [model.path, model.vaePath].first(where: { try !leadsToDirectory($0) }) else { return nil }
        if Folder.exists(folder) {
            return "\(folder) is a single file, and models are read as directories in diffusers layout; make one of it (in Python: StableDiffusionXLPipeline.from_single_file(…).save_pretrained(…); of a v-prediction model, correct prediction_type in its scheduler_config.json) and correct \(place)"
        }
        return "\(folder): the model's directory is not there; correct \(place) (a folder, not a name on the hub), or mount the disk it is on"
    }

    /// - Throws: `JobFailure` (unavailable) where a part of the model is no file that this program may read; `FileError` for what may pass.
    private func requireReadable(_ model: SDXLDirectory) throws {
        for place in model.places {
            func mayNotBeRead(_ path: String) -> JobFailure {
                JobFailure(.unavailable, "\(path) may not be read by this program; give its user that right (chmod -R a+rX \(place))")
            }
            let files: [String]
            do throws(FileError) { files = try DirectoryFingerprint.files(place, variant: model.variant) } catch {
                if error.code == EACCES { throw mayNotBeRead(error.path) }
                throw error
            }
            for file in files {
                var status = stat()
                if stat(file, &status) == 0 {
                    guard status.st_mode & S_IFMT == S_IFREG else { throw JobFailure(.unavailable, "\(file) is not an ordinary file; fetch the model again") }
                    if access(file, R_OK) == 0 { continue }
                }
                switch errno {
                case ENOENT, ELOOP:
                    throw JobFailure(.unavailable, "\(file) is a link to a file that is not there; copy the files themselves and not their links (cp -L), or fetch the model again")
                case EACCES: throw mayNotBeRead(file)
                case let code: throw FileError("read", file, code: code)
                }
            }
        }
    }

    /// What is wrong with the pictures of a job that cannot even be read, so that both are mended at once.
    public static func pictureFaults(in folder: JobFolder) -> [Fault] {
        var said: Set<Fault> = []
        for photo in Job.readableLists(of: folder).flatMap({ list in list.photos.map { SegMix.Photo($0, in: folder.path) } }) {
            do {
                if photo.mask == nil { _ = try ImageFile.readPhoto(photo.path, name: photo.file) } else { _ = try CutOut(photo) }
            } catch { said.insert(JobFailure.fault(error)) }
        }
        return said.sorted { $0.message < $1.message }
    }

    private func photoFindings() -> (faults: [Fault], pictures: PictureNeeds) {
        var pictures = PictureNeeds()
        var faults: [Fault] = []
        func attempt(_ body: () throws -> Void) {
            do { try body() } catch { faults.append(JobFailure.fault(error)) }
        }
        var job = job
        if !job.unmasked.isEmpty {
            // Until the missing masks are made, nothing can be mixed.
            job.specification.segmixProbability = 0
        }
        attempt {
            let sampler = try job.sampler(latentFactor: (try? model?.vaeConfiguration().downsampling) ?? 8)
            pictures = sampler.readAll(masksWillCome: !job.unmasked.isEmpty) { faults.append(JobFailure.fault($0)) }
        }
        let s = job.specification
        if job.lacksPriors { pictures.addPriors(s.numClassImages, side: s.resolution) }
        return (faults, pictures)
    }

    /// What is wrong with the model's own files, and what the job asks of it that it cannot do.
    /// - Throws: what may pass: a share that does not answer, a disk that is full.
    private func faults(of model: SDXLDirectory) throws -> (ofModel: [Fault], ofJob: [Fault]) {
        let (faults, schedule) = try Self.faults(of: model, job.trainingSettings)
        var ofModel = faults, ofJob: [Fault] = []
        if let schedule {
            try Self.attempt(&ofJob) { try RenderPlan.check(job, schedule, drawsFinal: drawsFinal) }
            // No job says what the first two are drawn with.
            let s = job.specification, needed = [
                (job.lacksPriors, PriorPlan.sampler(schedule, steps: s.prepare.priorSteps), s.prepare.priorSteps),
                (s.validationPrompt != nil, RenderPlan.solver(schedule, s.render.steps), s.render.steps),
                (RenderPlan.draws(s) && !Sampler.Kind.isAny(following: schedule, steps: s.render.steps), RenderPlan.sampler(s.render.sampler), s.render.steps),
            ]
            for (isNeeded, sampler, steps) in needed where isNeeded && steps <= schedule.steps {
                try Self.attempt(&ofModel) { try Sampler.check(sampler, schedule, steps: steps) }
            }
        }
        return (ofModel, ofJob)
    }

    /// What is wrong with the model of a job that cannot even be read, so that both are mended at once.
    /// - Throws: as `faults(of:)`.
    public static func modelFaults(of specification: JobSpecification, _ model: Configuration.Model) throws -> [Fault] {
        let directory = SDXLDirectory(model)
        if let absence = try absence(of: directory, isNamedByPath: specification.namesModelByPath) { return [Fault(absence)] }
        return try faults(of: directory, specification.trainingSettings).faults
    }

    private static func faults(of model: SDXLDirectory, _ settings: TrainingSettings) throws -> (faults: [Fault], schedule: NoiseSchedule?) {
        CPUDevice.install()
        var faults: [Fault] = [], schedule: NoiseSchedule?
        try attempt(&faults) { try model.requireSDXL() }
        try attempt(&faults) { _ = try PromptEncoder(model) }
        try attempt(&faults) { schedule = try model.loadSchedule() }
        try attempt(&faults) {
            _ = try TrainingModel(model, settings: settings, prompts: PromptTable(), adapters: AdapterSet(blankOfRank: settings.rank))
        }
        return (faults, schedule)
    }

    private static func attempt(_ faults: inout [Fault], _ body: () throws -> Void) throws {
        do { try body() } catch {
            if JobFailure.mayPass(error) { throw error }
            faults.append(Fault("\(error)"))
        }
    }
}

extension JobSpecification {
    /// Whether it says itself where its model lies, instead of naming one of the configuration.
    var namesModelByPath: Bool { model?.hasPrefix("/") ?? false }
}
