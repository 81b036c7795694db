import CPUDevice
import Diffusion
import Files
import Foundation
import Images
import Jobs
import SegMix
import Tensors
import Weights

/// `segmix render`: pictures of prompts with a model and any LoRAs, outside a job.
public struct RenderJob {
    let model: SDXLDirectory
    let order: RenderOrder
    let composer: Composer?
    let planned: [PlannedPicture]
    let output: String
    let progress: ProgressReporter

    private let gammas: [Double]

    /// - Parameter configuration: of its `default_job` is what a job's specification leaves out.
    /// - Throws: `JobFailure` for values out of range, `FaultList` and `SegMixError` for a job's folder that cannot be used.
    public init(model: Configuration.Model, _ order: RenderOrder, configuration: Configuration, output: String, progress: ProgressReporter) throws {
        try order.check()
        self.model = SDXLDirectory(model)
        (self.order, self.output, self.progress) = (order, output, progress)
        let list = try order.jobFolder.map { try PhotoList.read(folder: $0) }
        let photos = try order.jobFolder.flatMap { folder in try list.map { try SubjectSet($0, in: folder) } }
        let canCompose = try photos.map { try Composer($0, relativeScale: .random).canCompose } ?? false
        let gammas = order.gammas ?? [canCompose || order.layout != nil || order.subjects != nil ? RenderSpecification.defaultGamma : 0]
        self.gammas = gammas
        let scale = try order.jobFolder.map { folder in gammas.contains { $0 > 0 } ? try Self.relativeScale(in: JobFolder(folder), order.specification, configuration) : .number(0) }
        let composer = try photos.map { try Composer($0, relativeScale: SegMix.RelativeScale(scale ?? .number(0))) }
        self.composer = composer
        if order.gammas == nil, order.jobFolder != nil, gammas == [0] {
            progress.say(.check, "note: the pictures start from ordinary noise (gamma 0): not every subject has a photo with a mask, which a layout needs")
        }
        let names = list.map { SubjectNames($0.subjects) }
        planned = order.prompts.enumerated().flatMap { index, prompt in
            let subjects = order.subjects ?? order.layout?.boxes.map(\.subject) ?? names?.laidOut(for: prompt) ?? []
            return order.loraScales.flatMap { scale in
                gammas.flatMap { gamma in
                    // One seed for several prompts is counted up, so that the pictures differ.
                    (order.seeds.count == 1 ? [order.seeds[0] &+ UInt64(index)] : order.seeds).map { seed in
                        PlannedPicture(
                            RenderRequest(
                                prompt: prompt, negativePrompt: order.negativePrompt, seed: seed, steps: order.steps, guidance: order.guidance,
                                width: order.width, height: order.height, sampler: RenderPlan.sampler(order.sampler), gamma: gamma),
                            loraScale: scale, subjects: gamma > 0 ? subjects : [])
                    }
                }
            }
        }
        for picture in planned { try composer?.check(picture.subjects) }
    }

    /// `relative_scale` of a folder's specification.
    /// - Throws: `JobFailure` (usage) where it is not clear which one holds.
    private static func relativeScale(in folder: JobFolder, _ chosen: String?, _ configuration: Configuration) throws -> Jobs.RelativeScale {
        let files = try folder.specificationFiles().map(\.file)
        // As `segmix check` takes it: in the folder, or by a path that leads into it.
        let chosen = chosen.map { $0.hasPrefix(folder.path + "/") ? String($0.dropFirst(folder.path.utf8.count + 1)) : $0.hasPrefix("./") ? String($0.dropFirst(2)) : $0 }
        guard chosen.map({ files.contains($0) }) ?? true else {
            throw JobFailure(.usage, "--spec is \(chosen!), and \(folder.name.onOneLine()) has \(files.isEmpty ? "no job specification" : files.joined(separator: ", "))")
        }
        let scales = (chosen.map { [$0] } ?? files).map { configuration.specification($0, in: folder).relativeScale }
        guard scales.allSatisfy({ $0 == scales[0] }) else {
            throw JobFailure(.usage, "the specs of \(folder.name.onOneLine()) (\(files.joined(separator: ", "))) differ in `relative_scale`; say which one holds with --spec")
        }
        return scales.first ?? configuration.specification(nil, in: folder).relativeScale
    }

    /// Renders everything; the paths of the pictures, and of their contact sheet where there are several.
    public func run() throws -> [String] {
        guard try JobFailure.destination(model.path) == .directory else {
            throw JobFailure(.unavailable, "\(model.path): the model's directory is not there; give a directory in diffusers layout")
        }
        // Hours of sampling should not end at a path.
        if let path = order.savedLatents { try Directory.requireWritable(Directory.parent(of: path)) }
        if let note = order.precision.note(called: "--mixed-precision") { progress.say(.check, "note: \(note)") }
        try model.requireSDXL()
        CPUDevice.install()
        let schedule = try model.loadSchedule(), vae = try model.loadVAE(), f = vae.configuration.downsampling
        try model.unetConfiguration().requireLatents(of: vae.configuration, at: model.path)
        let sampler = try Sampler(planned[0].request.sampler, schedule, steps: order.steps)
        guard order.width % f == 0, order.height % f == 0 else { throw JobFailure(.usage, "--width and --height must be multiples of \(f) for this model") }
        if let gamma = gammas.max(), gamma > 0.2 { progress.say(.check, "note: --gamma \(gamma) is above 0.2: the background will whiten") }
        try Directory.create(output)
        try Directory.requireWritable(output)
        var first = try Self.firstNumber(in: output)
        let table = try Tape.paused {
            try PromptEncoder(model).encode(Array(Set(planned.flatMap(\.request.prompts))).sorted()) { prompt, rest in
                progress.say(.encode, "note: “\(rest)” of the prompt “\(prompt)” does not fit into 77 tokens and is cut off")
            }
        }
        let adapters = AdapterSet(
            stacking: try order.loras.map { (file: try LoRAFile.read($0.path), scale: $0.scale) }, layersPerBlock: try model.layersPerBlock())
        let make = TextToImage(
            unet: try model.loadUNet(adapters: order.loras.isEmpty ? nil : adapters, precision: order.precision.elementType), vae: vae, schedule: schedule, prompts: table,
            zerosForEmptyPrompt: try model.zerosForEmptyPrompt())
        let ignored = adapters.ignoredTextModules
        if !ignored.isEmpty { progress.say(.check, "note: \(ignored.count) adapters of text encoders in the LoRA files are not used, only the UNet's are") }
        let images = SampleRenderer(
            make, folder: output, model: model,
            loras: order.loras.map { (name: URL(fileURLWithPath: $0.path).deletingPathExtension().lastPathComponent, scale: Double("\($0.scale)") ?? 1) },
            layouts: composer.map { Layouts($0, layout: order.layout, folder: output, sparesOthers: true) }, tiling: DecodeTiling(model), progress: progress)
        var written: [String] = []
        for (i, picture) in planned.enumerated() {
            let request = picture.request, given = try order.initialLatents.map { try InitialLatents($0, shape: make.latentShape(request), steps: request.steps, visited: sampler.count) }
            let noise = try images.startingNoise(picture, given: given?.noise)
            let latents = try adapters.scaled(by: Float(picture.loraScale)) {
                try make.latents([request], noise: noise, stepNoise: given?.stepNoise) { step in
                    progress.step(ProgressLine(phase: .render, step: i * request.steps + step, total: planned.count * request.steps))
                }
            }
            func place() -> String { output + String(format: "/%05ld-%llu.png", first + i, request.seed) }
            // Another call into the same folder may have come first.
            while Folder.exists(place()) { first += 1 }
            let path = place()
            try images.write(latents, picture, to: path)
            written.append(path)
            if let savedLatents = order.savedLatents {
                var writer = SafetensorsWriter()
                writer.add("latents", latents.channelsFirst())
                try writer.write(to: savedLatents)
            }
        }
        if written.count > 1 {
            let sheet = output + "/contact-sheet.png"
            try ContactSheet(pictures: zip(written, images.rendered).map { ($0, $1) }, references: composer?.subjects).write(to: sheet)
            written.append(sheet)
        }
        return written
    }

    /// After the pictures of earlier calls: `00012-42.png` and the like.
    private static func firstNumber(in folder: String) throws(FileError) -> Int {
        let numbers = try Folder.names(folder).compactMap { name -> Int? in
            let parts = name.split(separator: "-", maxSplits: 1)
            return name.hasSuffix(".png") && parts.count == 2 && (5...9).contains(parts[0].count) ? Int(parts[0]) : nil
        }
        return (numbers.max() ?? -1) + 1
    }
}
