import Files
import Foundation

/// One job, read and checked as far as this is possible without looking into pictures.
public struct Job: Equatable, Sendable {
    /// The folder's name.
    public var name: String
    /// The job's folder.
    public var path: String
    /// The specification's file name, where it has one.
    public var specificationFile: String?
    public var specification: JobSpecification
    /// `metadata.jsonl`
    public var photos: PhotoList
    /// `prior/class_metadata.jsonl`, at most `num_class_images` of it; nil without prior preservation, and where prior
    /// images have yet to be made.
    public var priors: PhotoList?
    /// Pictures that the folder has and the list does not name: one sentence.
    var unusedPictures: [String] = []

    /// The class of a subject: the specification's `classes`, or its phrase without the first word.
    public func className(of subject: SubjectEntry) -> String {
        specification.classes[subject.key] ?? subject.className
    }

    /// What a job is read for.
    public enum Purpose: Sendable {
        case training
        /// Only to make what it lacks: no model is needed where that is masks, and none is set up.
        case preparation
    }

    /// Reads a job's folder.
    ///
    /// - Parameters:
    ///   - folder: the job's folder.
    ///   - specificationFile: which of its specifications. Left out: its only one, or none where the configuration has
    ///     a `default_job` or `settings` are given.
    ///   - configuration: for `default_job` and the names of models.
    ///   - settings: `key=value` of the command line (`--set`).
    ///   - purpose: whether a model must be set up.
    /// - Throws: every fault at once, by file and line.
    public static func load(
        _ folder: JobFolder, specificationFile: String? = nil, configuration: Configuration? = nil, settings: [String] = [],
        for purpose: Purpose = .training
    ) throws(FaultList) -> Job {
        let paths: JobPath, files: [JobFolder.SpecificationFile]
        do throws(FileError) {
            guard Folder.isDirectory(folder.path) || Folder.exists(folder.path + "/.") else {
                throw FileError("open the folder", folder.path, code: Folder.exists(folder.path) ? ENOTDIR : ENOENT)
            }
            paths = try JobPath(root: folder.path)
            files = try folder.specificationFiles()
        } catch {
            throw FaultList([Fault(error.description, mayPass: error.mayPass)])
        }
        var faults: [Fault] = []
        var layers = SpecificationLayers()
        if let inherited = configuration?.defaultJob { layers.add(inherited) }
        var chosen = specificationFile
        if chosen == nil, files.count > 1 {
            throw FaultList([Fault("the folder \(folder.name.onOneLine()) has several job specifications (\(files.map(\.file).joined(separator: ", "))); say which one with `--spec`")])
        }
        chosen = chosen ?? files.first?.file
        if let chosen {
            do throws(Fault) {
                if let bytes = try contents(of: chosen, in: folder, isItsOwn: files.contains { $0.file == chosen }) {
                    layers.add(file: bytes, name: chosen)
                } else {
                    faults.append(Fault(file: chosen, "is not there; the folder has \(files.isEmpty ? "no job specification" : files.map(\.file).joined(separator: ", "))"))
                }
            } catch {
                faults.append(error)
            }
        } else if configuration?.defaultJob == nil, settings.isEmpty {
            let near = (try? folder.nearSpecification()) ?? nil
            faults.append(Fault("the folder \(folder.name.onOneLine()) has no job specification\(near ?? "; add a job.yaml (an empty one takes every default)")"))
        }
        let hasSpecification = faults.isEmpty
        for setting in settings { layers.add(setting: setting) }
        let (specification, found) = layers.resolve()
        faults += found

        if folder.name.utf8.count > 1, folder.name.utf8.contains(UInt8(ascii: "/")) {
            // To Swift that is one character with the slash before it: the name cannot be told from the path.
            faults.append(Fault("the folder's name begins with an accent or another mark that belongs to the letter before it; rename it"))
        }
        if folder.name.lowercased() == "pytorch_lora_weights" {
            faults.append(Fault("the folder \(folder.name) is called as the LoRA for diffusers is, and so would the one for ComfyUI be; give it another name"))
        }
        let (photos, photoFaults) = readPhotos(paths)
        faults += photoFaults
        var priors: PhotoList?, priorsLeftOut = 0
        if specification.withPriorPreservation {
            let (list, priorFaults) = readPriors(paths)
            faults += priorFaults
            priors = list?.limited(to: specification.numClassImages)
            priorsLeftOut = (list?.photos.count ?? 0) - (priors?.photos.count ?? 0)
            if priorFaults.isEmpty, let photos, let list { faults += JobChecks.priors(list, photos: photos) }
        }
        if let photos, photoFaults.isEmpty {
            faults += JobChecks.photos(photos, specification: specification, layers: layers)
        }
        // A specification that cannot be read may well name a model.
        let drawsPriors = specification.withPriorPreservation && priors == nil
        if let configuration, hasSpecification, layers.faults.isEmpty, purpose == .training || drawsPriors || !configuration.models.isEmpty {
            for var fault in configuration.faults(inModelOf: specification, at: layers.merged) {
                if purpose == .preparation, drawsPriors { fault.message += "; prior images are drawn by it, and masks alone are made with `--set with_prior_preservation=false`" }
                faults.append(fault)
            }
        }
        try faults.inReadingOrder().throwIfAny()
        guard let photos else { preconditionFailure("no photos and no fault") }
        return Job(
            name: folder.name, path: folder.path, specificationFile: chosen, specification: specification, photos: photos, priors: priors,
            unusedPictures: UnusedPictures(photos, in: folder.path).notes
                + (priorsLeftOut > 0 ? ["\(priorsLeftOut) of \(priorsLeftOut + (priors?.photos.count ?? 0)) prior images are left out: num_class_images is \(specification.numClassImages)"] : []))
    }

    /// A specification of the folder, or one from elsewhere that somebody has named.
    private static func contents(of file: String, in folder: JobFolder, isItsOwn: Bool) throws(Fault) -> [UInt8]? {
        if isItsOwn { return try folder.contents(of: file) }
        do throws(FileError) {
            return try Folder.contents(of: file.hasPrefix("/") ? file : folder.path + "/" + file, limit: YAMLReader.maximumBytes)
        } catch {
            throw Fault(file: file, "cannot be read: \(error.reasonForSpecification)", mayPass: error.mayPass)
        }
    }

    /// What is unusual but allowed; one sentence each.
    public var warnings: [String] {
        var warnings = unusedPictures + sharedMasks + promptsOfNobody + foreignCaptions + bareClasses
        let s = specification
        if s.segmixProbability > 0, s.segmixStartStep >= s.maxTrainSteps {
            warnings.append("segmix_start_step \(s.segmixStartStep) is not reached in \(s.maxTrainSteps) steps: no composite will be drawn")
        }
        if let gamma = s.render.gamma?.max(), gamma > 0.2 { warnings.append("render.gamma \(gamma) is above 0.2: the background will whiten") }
        if s.lrScheduler == .constant, s.lrWarmupSteps > 0 {
            warnings.append("lr_warmup_steps has no effect with lr_scheduler constant; constant_with_warmup uses it")
        }
        if s.lrScheduler != .constant, s.lrWarmupSteps >= s.maxTrainSteps {
            warnings.append("lr_warmup_steps \(s.lrWarmupSteps) is not over in \(s.maxTrainSteps) steps: the learning rate never comes to \(s.learningRate), and lr_scheduler \(s.lrScheduler.rawValue) never begins")
        }
        if s.lrScheduler != .cosineWithRestarts, s.lrNumCycles != JobSpecification().lrNumCycles { warnings.append("lr_num_cycles has no effect with lr_scheduler \(s.lrScheduler.rawValue); cosine_with_restarts uses it") }
        if s.lrScheduler != .polynomial, s.lrPower != JobSpecification().lrPower { warnings.append("lr_power has no effect with lr_scheduler \(s.lrScheduler.rawValue); polynomial uses it") }
        if s.bestCheckpoint, s.saveSteps >= s.maxTrainSteps {
            warnings.append("best_checkpoint has only the last LoRA to choose from: save_steps \(s.saveSteps) keeps none before step \(s.maxTrainSteps)")
        }
        if s.rounds == 1, s.join != JoinSpecification() { warnings.append("join has no effect without `rounds: 2`") }
        if s.render.layout != nil || s.render.subjects != nil, let gammas = s.render.gamma, gammas.allSatisfy({ $0 == 0 }) {
            warnings.append("render.layout and render.subjects place the subjects of mean-shifted noise, and have no effect with render.gamma 0")
        }
        if let priors, s.numClassImages < priors.subjects.count * 2 {
            warnings.append("num_class_images \(s.numClassImages) leaves about one prior image per subject")
        }
        return warnings
    }

    /// A mask of two photos is one line copied to make the next.
    private var sharedMasks: [String] {
        var first: [String: PhotoEntry] = [:]
        return (photos.photos + (priors?.photos ?? [])).compactMap { photo in
            guard let mask = photo.mask else { return nil }
            guard let other = first[mask] else {
                first[mask] = photo
                return nil
            }
            if other.file != photo.file { return "\(mask) is the mask of \(other.file) and of \(photo.file): is it both?" }
            return other.subject == photo.subject ? nil : "\(mask) is the mask of \"\(other.subject)\" and of \"\(photo.subject)\" in \(photo.file): is it both?"
        }
    }

    /// A line that was copied for another subject keeps what it said.
    private var foreignCaptions: [String] {
        let names = SubjectNames(photos.subjects), ofSubject = Dictionary(grouping: photos.photos) { $0.subject }
        let areFew = photos.subjects.count * photos.photos.count <= 200_000
        var without: [(photo: PhotoEntry, own: SubjectEntry, caption: String)] = []
        for own in photos.subjects {
            let photos = ofSubject[own.key] ?? [], foreign = Set(names.foreign(photos.lazy.flatMap(\.captions), to: own.key, exactly: areFew))
            guard !foreign.isEmpty else { continue }
            without += photos.compactMap { photo in photo.captions.first { foreign.contains($0) }.map { (photo, own, $0) } }
        }
        without.sort { $0.photo.line < $1.photo.line }
        let found = without.prefix(5).map { photo, own, caption in
            let other = names.named(in: caption).first.flatMap { key in photos.subjects.first { $0.key == key } }
            return "a caption of \(photo.file) does not name “\(own.phrase)”\(other.map { ", but “\($0.phrase)”" } ?? ""): “\(caption.onOneLine(atMost: 100))”"
        }
        return without.count <= 5 ? found : found.prefix(4) + ["and captions of \(without.count - 4) more photos"]
    }

    /// Rare words are no classes: prior images would be drawn of them, and masks looked for.
    private var bareClasses: [String] {
        guard lacksPriors || !unmasked.isEmpty else { return [] }
        return photos.subjects.filter { specification.classes[$0.key] == nil && $0.className == $0.phrase }.map {
            "“\($0.phrase)” is one word, and so it is taken for the class of \"\($0.key)\" as well; where it is a rare word, name the class: `classes: {\($0.key): dog}`"
        }
    }

    /// A list in brackets is cut at every comma.
    private var promptsOfNobody: [String] {
        specification.render.prompts.compactMap { prompt in
            !SubjectNames(photos.subjects).named(in: prompt).isEmpty
                ? nil : "the prompt “\(prompt.onOneLine())” of render.prompts names no subject (a prompt with a comma needs quotes between brackets)"
        }
    }

    /// What the lists of photos and prior images say as far as they can be read, whatever is wrong with the rest of the job.
    public static func readableLists(of folder: JobFolder) -> [PhotoList] {
        guard let paths = try? JobPath(root: folder.path) else { return [] }
        return [readPhotos(paths).0, readPriors(paths).0].compactMap { $0 }
    }

    /// `metadata.jsonl`, or what the subjects' folders amount to.
    static func readPhotos(_ paths: JobPath) -> (PhotoList?, [Fault]) {
        do throws(FileError) {
            if try Folder.isThere(paths.root + "/metadata.jsonl") { return MetadataReader.read("metadata.jsonl", paths: paths) }
        } catch { return (nil, [unread("metadata.jsonl", error)]) }
        if let meant = (try? JobFolder(paths.root).misnamedList()) ?? nil { return (nil, [Fault(file: "metadata.jsonl", "is not there\(meant)")]) }
        if let (list, faults) = SubjectFolders.read(paths) { return (list, faults) }
        return MetadataReader.read("metadata.jsonl", paths: paths)
    }

    private static func unread(_ source: String, _ error: FileError) -> Fault { Fault(file: source, "cannot be read: \(error.reason)", mayPass: error.mayPass) }

    /// nil without faults where prior images have yet to be made.
    private static func readPriors(_ paths: JobPath) -> (PhotoList?, [Fault]) {
        let source = priorList
        let isThere: Bool
        do throws(FileError) {
            if try Folder.isThere(paths.root + "/" + source) { return MetadataReader.read(source, paths: paths) }
            isThere = try Folder.isThere(paths.root + "/prior")
        } catch { return (nil, [unread(source, error)]) }
        guard isThere else {
            // Hours of drawing would take the place of what is there.
            let twin = ((try? Folder.names(paths.root)) ?? []).sorted().first { ["prior", "priors"].contains($0.lowercased()) && Folder.leadsToDirectory(paths.root + "/" + $0) }
            return (nil, twin.map { [Fault(file: $0, "is a folder of prior images under another name; rename it to prior, or remove it to have prior images made")] } ?? [])
        }
        return (nil, [Fault(file: source, "is not there, but the folder prior is; add the list of its images, or remove the folder to have prior images made")])
    }
}

extension [Fault] {
    /// By file in the order in which the files come first, then by line; what has no line comes first.
    func inReadingOrder() -> [Fault] {
        var order: [String?: Int] = [:]
        for fault in self where order[fault.file] == nil { order[fault.file] = order.count }
        var seen: Set<Fault> = []
        return enumerated()
            .sorted { (order[$0.element.file]!, $0.element.line ?? 0, $0.offset) < (order[$1.element.file]!, $1.element.line ?? 0, $1.offset) }
            .map(\.element).filter { seen.insert($0).inserted }
    }
}
