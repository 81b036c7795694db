import Files
import Foundation
import Images
import Jobs
import Vision

/// `report.html`: the report on one page that needs nothing beside it and no network.
struct ReportPage {
    let contents: ReportContents
    let job: Job
    /// The result's folder.
    let folder: String

    /// - Throws: `ImageError` for a picture that cannot be read.
    func html() throws -> HTML {
        """
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">\
        <title>\(contents.name) – segmixd</title><link rel="icon" href="data:,"><style>\(ReportStyle.css)</style></head>
        <body><main>
        <h1>\(contents.name)</h1>
        \(summary)\(warnings)\(try sheet())\(try layouts())\(scores)\(try checkpoints())\(try roundsSection())\(try onTheWay())\(curve)\(try masks())\(usage)\(costs)\(settings)
        </main></body></html>

        """
    }

    func section(_ title: String, _ body: HTML) -> HTML { "<section><h2>\(title)</h2>\n\(body)</section>\n" }

    private func definitions(_ pairs: [(String, String)]) -> HTML {
        "<dl>\(pairs.map { "<dt>\($0.0)</dt><dd>\($0.1)</dd>" as HTML })</dl>"
    }

    /// A picture of the result as a preview inside the page.
    func preview(_ file: String, side: Int) throws -> Data {
        let image = try ImageFile.readPhoto(folder + "/" + file, name: file)
        return JPEGEncoder.encode(max(image.width, image.height) > side ? ContactSheet.thumbnail(image, side: side) : image)
    }

    /// A sheet as a preview, as wide as a screen and as high as it is then.
    func sheetPreview(_ file: String) throws -> Data {
        let image = try ImageFile.readPhoto(folder + "/" + file, name: file), width = max(1, min(image.width, 1800, image.width * 30_000 / image.height))
        return JPEGEncoder.encode(image.resized(width: width, height: max(1, image.height * width / image.width), .lanczos))
    }

    func figure(_ file: String, _ caption: String, side: Int) throws -> HTML {
        "<figure><img src=\"\(jpeg: try preview(file, side: side))\" alt=\"\(caption)\"><figcaption>\(caption)</figcaption></figure>"
    }

    private var summary: HTML {
        let s = contents.settings, subjects = job.photos.subjects.map { subject in
            "“\(subject.phrase)” (\(job.photos.photos(of: subject.key).count) photos)"
        }
        let mixed = contents.examples > 0 ? "\(contents.composites) of \(contents.examples) examples were composites of two subjects" : "no example was seen in this run"
        return """
            <p>A LoRA of \(subjects.joined(separator: ", ")), trained for \(contents.loss.last?.step ?? s.maxTrainSteps) steps at \(s.resolution) px on <code>\(contents.model)</code>. \(mixed).</p>
            <p class="soft">\(Self.date(contents.finished)), after \(ProgressLine.words(seconds: contents.seconds)).</p>

            """
    }

    private var warnings: HTML {
        contents.warnings.isEmpty ? "" : section("Warnings", "<div class=\"warn\">\(contents.warnings.map { "<p>\($0)</p>" as HTML })</div>")
    }

    private func sheet() throws -> HTML {
        guard let file = contents.contactSheet else { return "" }
        let picture = try sheetPreview(file)
        return section("Pictures", """
            <div class="wide"><img class="sheet" src="\(jpeg: picture)" alt="Contact sheet of all final pictures"></div>
            <p class="soft">Drawn with \(drawer). Each picture is in <code>samples/</code> in full size, with its prompt and settings inside the file.</p>
            """)
    }

    /// The LoRA of the final pictures: all are of one.
    private var drawer: HTML {
        guard let file = contents.pictures.first?.lora else { return "the LoRA" }
        guard let best = contents.bestCheckpoint else { return "the LoRA of the last step, <code>\(file)</code>" }
        return "<code>\(file)</code>, the LoRA of \(best.best.name), which is named best below"
    }

    private func layouts() throws -> HTML {
        var seen: Set<String> = []
        let files = contents.pictures.compactMap(\.layout).filter { seen.insert($0).inserted }.prefix(12)
        guard !files.isEmpty else { return "" }
        return section("Layouts", """
            <p>Pictures with γ above 0 start from noise that is shifted towards a layout of the subjects' own photos. Larger γ keeps more of the layout; above 0.2 the background whitens.</p>
            <div class="pictures">\(try files.map { try figure($0, String($0.split(separator: "/").last!), side: 360) })</div>
            """)
    }

    private var scores: HTML {
        guard let scores = contents.scores else { return "" }
        func words(_ matrix: [[Double]]) -> String { matrix.map { $0.map(\.threeDigits).joined(separator: "  ") }.joined(separator: "\n") }
        let rows = scores.pictures.map { picture -> HTML in
            // Dozens of boxes fill the page and say nothing; report.json has them all.
            let isLong = picture.similarity.count > max(8, 2 * scores.subjects.count)
            let matrix = isLong ? "\(picture.similarity.count) boxes" : words(picture.similarity)
            return "<tr><td>\(picture.file)</td><td>\(picture.score.threeDigits)</td><td>\(picture.reason ?? "")</td><td><code style=\"white-space:pre\">\(matrix)</code></td></tr>"
        }
        let byPrompt: HTML = (scores.prompts?.count ?? 0) < 2 ? "" : """
            <div class="wide"><table><tr><th>prompt</th><th>mean</th></tr>\((scores.prompts ?? []).map { "<tr><td>\($0.prompt)</td><td>\($0.mean.threeDigits)</td></tr>" as HTML })</table></div>
            """
        let ideal: HTML = scores.ideal.map { "<p class=\"soft\">The subjects' photos among themselves, which a score of 1 would reach:</p><pre>\(words($0))</pre>" } ?? ""
        return section("Detect-and-Compare", """
            <p>How well the subjects are found and told apart, at most 1; 0 where another number of objects is found, and less where a subject is more like another: <strong>\(scores.mean.threeDigits)</strong> on average. \
            The matrix has a row for each found box and a column for each of \(scores.subjects.joined(separator: ", ")).</p>
            \(byPrompt)<div class="wide"><table><tr><th>picture</th><th>score</th><th>remark</th><th>similarity</th></tr>\(rows)</table></div>\(ideal)
            """)
    }

    private func checkpoints() throws -> HTML {
        guard let best = contents.bestCheckpoint else { return "" }
        let files = best.files.map { "<code>\($0)</code>" as HTML }
        let verdict: HTML = best.tellsApart || best.checkpoints.count == 1
            ? "<strong>\(files[0])</strong>, of \(best.best.name), keeps the subjects apart best: <strong>\(best.score.threeDigits)</strong> on average."
            : "All score \(best.score.threeDigits), so nothing speaks for one of them; named is the last, <code>\(best.files[0])</code>."
        let kohya: HTML = files.count > 1 ? " For ComfyUI and AUTOMATIC1111 it is \(files[1])." : ""
        let rows = best.checkpoints.map { one -> HTML in
            let reasons = Set(one.pictures.compactMap(\.reason)).sorted().joined(separator: "; ")
            let mark: HTML = one == best.best ? " class=\"best\"" : ""
            return """
                <tr\(mark)><td>\(one.round.map { "\($0) · " } ?? "")\(one.step)</td><td>\(one.score.threeDigits)</td>\
                <td>\(one.pictures.map { $0.score.threeDigits }.joined(separator: " "))</td><td>\(reasons)</td><td><code>\(one.files[0])</code></td></tr>
                """
        }
        return section("Best checkpoint", """
            <p>Each saved LoRA drew the validation prompt, “\(contents.settings.validationPrompt ?? "")”, and the pictures were scored as above. \(verdict)\(kohya)</p>
            <div class="wide"><table><tr><th>\(best.round == nil ? "" : "round · ")step</th><th>score</th><th>its pictures</th><th>remark</th><th>file</th></tr>\(rows)</table></div>
            <div class="wide"><img class="sheet" src="\(jpeg: try sheetPreview(best.contactSheet))" alt="Validation pictures of each saved LoRA"></div>
            """)
    }

    /// Validation pictures of the training, so that one sees the subjects come: of steps spread evenly, the first and the last among them.
    private func onTheWay() throws -> HTML {
        // The sheet of those that were compared shows the same.
        guard contents.bestCheckpoint == nil, let prompt = contents.settings.validationPrompt else { return "" }
        let pictures = contents.samples.reduce(into: [Int: [String]]()) { all, file in
            // Before a stop it may have been another.
            if let step = RunDirectory.validationStep(of: file), SampleRenderer.shows(prompt, folder + "/" + file) { all[step, default: []].append(file) }
        }
        let steps = pictures.keys.sorted()
        guard !steps.isEmpty else { return "" }
        let each = min(4, pictures.values.map(\.count).max()!), most = 24 / each
        let shown = steps.count <= most ? steps : (0..<most).map { steps[$0 * (steps.count - 1) / (most - 1)] }
        let figures = try shown.flatMap { step in try pictures[step]!.prefix(each).map { try figure($0, "step \(step)", side: 240) } }
        let isAll = figures.count == pictures.values.reduce(0) { $0 + $1.count }
        return section("On the way", """
            <p>“\(prompt)”, as the LoRA drew it after so many steps.\(isAll ? "" : " All are in <code>samples/</code>." as HTML)</p>
            <div class="pictures">\(figures)</div>
            """)
    }

    private var curve: HTML {
        let points = contents.loss.map { (step: $0.step, loss: $0.loss) }
        guard points.count > 1 else { return "" }
        return section("Loss", """
            \(LossChart(points: points).svg)
            <p class="soft">Faint: each step. Strong: running mean, \(LossChart.short(LossChart.smoothed(points.map(\.loss)).last!)) at the end. \
            The loss of one step depends mostly on the noise that was drawn; only its trend means something.</p>
            """)
    }

    private func masks() throws -> HTML {
        let given = givenMasks()
        guard !contents.masks.isEmpty || !given.isEmpty else { return "" }
        let shown = contents.masks.prefix(max(0, 60 - given.count)), rest = contents.masks.count - shown.count
        return section("Masks", """
            <div class="pictures">\(given)\(try shown.map { try figure($0, String($0.split(separator: "/").last!), side: 240) })</div>\
            \(rest > 0 ? "<p class=\"soft\">And \(rest) more in masks.</p>" as HTML : "")
            """)
    }

    /// The first photos whose masks came with them, drawn as those are that were made: one look says whether they fit.
    private func givenMasks() -> [HTML] {
        job.photos.photos.lazy.filter { $0.mask.map { !$0.hasPrefix(folder + "/") } ?? false }.prefix(60).compactMap { photo in
            guard let picture = try? ImageFile.readPhoto(job.place(of: photo.file), name: photo.file),
                let mask = try? ImageFile.readMask(job.place(of: photo.mask!), name: photo.mask!), mask.width == picture.width, mask.height == picture.height
            else { return nil }
            let overlay = MaskOverlay.draw(picture, mask: BinaryMask(mask), boxes: [])
            let jpeg = JPEGEncoder.encode(max(overlay.width, overlay.height) > 240 ? ContactSheet.thumbnail(overlay, side: 240) : overlay)
            return "<figure><img src=\"\(jpeg: jpeg)\" alt=\"\(photo.file)\"><figcaption>\(photo.file)</figcaption></figure>"
        }
    }

    private var usage: HTML {
        let r = contents.settings.render
        // Those that have drawn the pictures above.
        let files = contents.bestCheckpoint?.files ?? contents.files, diffusers = "pytorch_lora_weights.safetensors"
        let prompt = contents.pictures.first?.prompt ?? "a photo of a " + job.photos.subjects.map(\.phrase).joined(separator: " and a ")
        // Python reads the strings of JSON.
        let code = """
            import torch
            from diffusers import StableDiffusionXLPipeline

            pipe = StableDiffusionXLPipeline.from_pretrained("stabilityai/stable-diffusion-xl-base-1.0", torch_dtype=torch.float16).to("cuda")
            pipe.load_lora_weights(\(JSON.quoted(job.name)), weight_name=\(JSON.quoted(files.first { $0.hasSuffix(diffusers) } ?? diffusers)))
            image = pipe(
                \(JSON.quoted(prompt)),
                negative_prompt=\(JSON.quoted(r.negativePrompt)),
                num_inference_steps=\(r.steps), guidance_scale=\(NumberRange.short(r.guidance)),
            ).images[0]
            image.save("picture.png")
            """
        let kohya = files.first { !$0.hasSuffix(diffusers) }
        let comfy: HTML = kohya.map { """
            <p><strong>ComfyUI</strong>: put <code>\($0)</code> into <code>models/loras</code>, add the node “Load LoRA” between the checkpoint and the sampler, \
            with both strengths at 1. <strong>AUTOMATIC1111</strong>, Forge: <code>models/Lora</code>, then <code>&lt;lora:\(URL(fileURLWithPath: $0).deletingPathExtension().lastPathComponent):1&gt;</code> in the prompt.</p>
            """ } ?? "<p>For ComfyUI and AUTOMATIC1111 run the job with <code>output_kohya_format: true</code>.</p>"
        return section("How to use it", """
            <p>Write a subject's whole phrase into the prompt: \(job.photos.subjects.map { "“\($0.phrase)”" }.joined(separator: ", ")). \
            Use the model the LoRA was trained on, <code>\(contents.model)</code>, or one that is close to it.</p>
            \(comfy)<p><strong>diffusers</strong>, where <code>\(job.name)</code> is this folder:</p><pre>\(code)</pre>
            """)
    }

    private var costs: HTML {
        func gib(_ bytes: Int) -> String { String(format: "%.2f GiB", Double(bytes) / Double(1 << 30)) }
        func words(_ seconds: Double) -> String { ProgressLine.words(seconds: seconds) }
        let t = contents.timings
        return section("Time and memory", definitions([
            ("preparation", words(t.preparation)), ("training", "\(words(t.training)), \(String(format: "%.2f", t.perStep)) s a step"), ("pictures and scores", words(t.rendering)),
            ("begun", Self.date(contents.started)), ("finished", Self.date(contents.finished)), ("machine", contents.machine), ("made by", contents.program),
            ("most memory", "\(gib(contents.memory.peakResident)), of it tensors \(gib(contents.memory.peakTensors))"),
        ]))
    }

    private var settings: HTML {
        section("Settings", """
            <p>Every value that held; as a <code>job.yaml</code> it gives this job again.</p>
            <pre>\(contents.settings.renderedYAML)</pre>
            """)
    }

    private static func date(_ date: Date) -> String {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.dateFormat = "yyyy-MM-dd HH:mm zzz"
        return formatter.string(from: date)
    }
}
