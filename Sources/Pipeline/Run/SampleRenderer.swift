import Diffusion
import Files
import Foundation
import Images
import Jobs
import Tensors
import Weights

/// Makes pictures with the model as it is now and writes them, each with its prompt and settings in a text chunk.
final class SampleRenderer {
    private let make: TextToImage
    private let folder: String
    private let model: SDXLDirectory
    private let loras: [(name: String, scale: Double)]
    private let layouts: Layouts?
    private let tiling: DecodeTiling
    private let progress: ProgressReporter
    /// The pictures of this run so far, files relative to the folder above theirs.
    private(set) var rendered: [RenderedPicture] = []

    /// - Parameters:
    ///   - loras: names and strengths, as the pictures' texts say them.
    ///   - layouts: where pictures with γ above 0 are wanted.
    init(
        _ make: TextToImage, folder: String, model: SDXLDirectory, loras: [(name: String, scale: Double)], layouts: Layouts?, tiling: DecodeTiling,
        progress: ProgressReporter
    ) {
        (self.make, self.folder, self.model, self.loras) = (make, folder, model, loras)
        (self.layouts, self.tiling, self.progress) = (layouts, tiling, progress)
    }

    /// Renders each picture into `PREFIX-NN.png`.
    ///
    /// - Parameters:
    ///   - adapters: what a picture's `loraScale` is applied to.
    ///   - keepsOld: pictures that are there already stay, if their text says the same prompt and settings, and their layout's
    ///     the same places.
    ///   - shouldStop: asked before every sampling step; then the picture at hand is left out, and those after it.
    ///   - isThere: gets each picture's number and file, be it new or kept.
    func render(
        _ pictures: [PlannedPicture], prefix: String, adapters: AdapterSet, keepsOld: Bool = false, shouldStop: () -> Bool,
        isThere: (Int, Data) throws -> Void = { _, _ in }
    ) throws {
        guard !pictures.isEmpty, !shouldStop() else { return }
        try Directory.create(folder)
        let total = pictures.reduce(0) { $0 + $1.request.steps }
        var before = 0
        // All at once, while the layouts lie there that the old pictures were drawn with.
        if keepsOld { for (i, picture) in pictures.enumerated() where try !isKept(picture, at: path(prefix, i)) { try remove(path(prefix, i)) } }
        for (i, picture) in pictures.enumerated() {
            let path = path(prefix, i), steps = picture.request.steps
            defer { before += steps }
            if keepsOld, let old = FileManager.default.contents(atPath: path) {
                try isThere(i, old)
                continue
            }
            do {
                let noise = try startingNoise(picture)
                let latents = try adapters.scaled(by: Float(picture.loraScale)) {
                    try make.latents(picture.request, noise: noise) { step in
                        if shouldStop() { throw StopRequest.Stopped() }
                        progress.step(ProgressLine(
                            phase: .render, step: before + step, total: total, message: "\(prefix) \(i + 1) of \(pictures.count)"))
                    }
                }
                try isThere(i, write(latents, picture, to: path))
            } catch is StopRequest.Stopped {
                return
            }
        }
    }

    /// Where `render` puts a picture.
    func path(_ prefix: String, _ index: Int) -> String { folder + "/" + prefix + String(format: "-%02d.png", index) }

    /// Whether a picture is there and need not be made again.
    private func isKept(_ picture: PlannedPicture, at path: String) throws -> Bool {
        guard let png = FileManager.default.contents(atPath: path), PNGText.value(of: Self.textKey, in: png) == parameters(picture) else { return false }
        return try picture.request.gamma == 0 || layouts?.isThere(for: picture) == true
    }

    /// Whether a picture was drawn from a prompt.
    static func shows(_ prompt: String, _ path: String) -> Bool {
        guard let text = FileManager.default.contents(atPath: path).flatMap({ PNGText.value(of: textKey, in: $0) }) else { return false }
        return ["\n", " <lora:"].contains { text.utf8.starts(with: (prompt + $0).utf8) }
    }

    /// Removes what other settings left before a stop: pictures `PREFIX-NN.png` that are none of these, and layouts that none of these has.
    /// - Throws: `FileError`.
    func removeOthers(than kinds: [(prefix: String, pictures: [PlannedPicture])]) throws(FileError) {
        guard Folder.leadsToDirectory(folder) else { return }
        let used = Set(kinds.flatMap { kind in
            kind.pictures.indices.map { path(kind.prefix, $0) } + kind.pictures.compactMap { $0.request.gamma > 0 ? layouts?.path(for: $0) : nil }
        })
        for name in try Folder.names(folder) where name.hasSuffix(".png") && (kinds.map(\.prefix) + ["layout"]).contains(where: { name.hasPrefix($0 + "-") }) {
            if !used.contains(folder + "/" + name) { try remove(folder + "/" + name) }
        }
    }

    private func remove(_ path: String) throws(FileError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw FileError("remove", path, code: errno) }
    }

    /// The seed's noise, or `given`, shifted towards the picture's layout where its γ is above 0. `[1, h, w, C]`
    func startingNoise(_ picture: PlannedPicture, given: Tensor? = nil) throws -> Tensor {
        let noise = given ?? make.initialNoise(picture.request)
        guard picture.request.gamma > 0 else { return noise }
        guard let layouts else { preconditionFailure("SampleRenderer: γ \(picture.request.gamma) without layouts") }
        try Directory.create(folder)
        let layout = try layouts.latents(for: picture, with: make, tiling: tiling.tiling(for: make.latentShape(picture.request)))
        return TextToImage.shifted(noise, by: layout, gamma: picture.request.gamma)
    }

    /// Decodes final latents and writes the picture; its bytes.
    /// - Throws: `JobFailure` (bad input) where it is none.
    @discardableResult
    func write(_ latents: Tensor, _ picture: PlannedPicture, to path: String) throws -> Data {
        let tiling = try tiling.tiling(for: latents.shape)
        guard let decoded = try? make.decode(latents, tiling: tiling) else {
            throw JobFailure(.badInput, "\(model.path): the picture of “\(picture.request.prompt.onOneLine(atMost: 200))” came out as numbers that are not finite; weights of the model or of a LoRA are damaged, or a strength is far too high. Fetch them again, or lower it")
        }
        let image = RGBImage(width: decoded.width, height: decoded.height, bytes: decoded.bytes)
        let png = PNGEncoder.encode(image, text: [(Self.textKey, parameters(picture))])
        try AtomicFile.write(png, to: path)
        rendered.append(record(of: picture, at: path))
        return png
    }

    func record(of picture: PlannedPicture, at path: String) -> RenderedPicture {
        func relative(_ path: String) -> String { path.split(separator: "/").suffix(2).joined(separator: "/") }
        let layout = picture.request.gamma > 0 ? layouts?.path(for: picture) : nil
        return RenderedPicture(picture, file: relative(path), layout: layout.map(relative))
    }

    private static let textKey = "parameters"

    /// Prompt and settings as AUTOMATIC1111 writes them and ComfyUI's and others' readers know them.
    func parameters(_ picture: PlannedPicture) -> String {
        let r = picture.request, plain = NumberRange.short
        let prompt = ([r.prompt] + loras.map { "<lora:\($0.name):\(plain($0.scale * picture.loraScale))>" }).joined(separator: " ")
        var lines = [prompt]
        if let negative = r.negativePrompt, !negative.isEmpty { lines.append("Negative prompt: \(negative)") }
        var fields = [
            "Steps: \(r.steps)", "Sampler: \(r.sampler.title)", "CFG scale: \(plain(r.guidance))", "Seed: \(r.seed)", "Size: \(r.width)x\(r.height)",
            "Model: \(Self.quoted(model.name))",
        ]
        if r.gamma > 0 { fields.append("Mean shift: \(plain(r.gamma))") }
        if let lora = picture.lora { fields.append("LoRA file: \(Self.quoted(lora))") }
        lines.append((fields + ["Version: segmixd"]).joined(separator: ", "))
        return lines.joined(separator: "\n")
    }

    /// As AUTOMATIC1111 writes a value that would end at a comma or a colon: a string of JSON.
    private static func quoted(_ value: String) -> String {
        value.contains { ",:\n".contains($0) } ? JSON.quoted(value) : value
    }
}
