import Diffusion
import Files
import Foundation
import Images
import Jobs
import Tensors

/// Makes pictures with the model as it is now and writes them, each with its prompt and settings in a text chunk.
public final class SampleRenderer {
    private let make: TextToImage
    private let folder: String
    private let modelName: String
    private let progress: ProgressReporter
    /// Paths of the pictures written so far.
    public private(set) var written: [String] = []

    convenience init(_ make: TextToImage, directory: RunDirectory, modelName: String, progress: ProgressReporter) {
        self.init(make, folder: directory.samples, modelName: modelName, progress: progress)
    }

    public init(_ make: TextToImage, folder: String, modelName: String, progress: ProgressReporter) {
        (self.make, self.folder, self.modelName, self.progress) = (make, folder, modelName, progress)
    }

    /// The wish to stop, met between two sampling steps.
    private struct Stopped: Error {}

    /// Renders each request into `PREFIX-NN.png`.
    ///
    /// - Parameters:
    ///   - keepsOld: pictures that are there already stay as they are.
    ///   - shouldStop: asked before every sampling step; then the picture at hand is left out, and those after it.
    func render(_ requests: [RenderRequest], prefix: String, keepsOld: Bool = false, shouldStop: () -> Bool) throws {
        guard !requests.isEmpty, !shouldStop() else { return }
        try Directory.create(folder)
        for (i, request) in requests.enumerated() {
            let path = folder + "/" + prefix + String(format: "-%02d.png", i)
            if keepsOld, Folder.exists(path) { continue }
            do {
                let latents = try make.latents(request, noise: make.initialNoise(request)) { step in
                    if shouldStop() { throw Stopped() }
                    progress.step(ProgressLine(
                        phase: .render, step: i * request.steps + step, total: requests.count * request.steps, message: "\(prefix) \(i + 1) of \(requests.count)"))
                }
                try write(latents, request, to: path)
            } catch is Stopped {
                return
            }
        }
    }

    /// Decodes final latents and writes the picture.
    public func write(_ latents: Tensor, _ request: RenderRequest, to path: String) throws {
        let picture = make.decode(latents)
        let image = RGBImage(width: picture.width, height: picture.height, bytes: picture.bytes)
        try AtomicFile.write(PNGEncoder.encode(image, text: [("parameters", parameters(request))]), to: path)
        written.append(path)
    }

    /// Prompt and settings as AUTOMATIC1111 writes them and ComfyUI's and others' readers know them.
    func parameters(_ r: RenderRequest) -> String {
        var lines = [r.prompt]
        if let negative = r.negativePrompt, !negative.isEmpty { lines.append("Negative prompt: \(negative)") }
        let guidance = r.guidance == r.guidance.rounded() ? String(Int(r.guidance)) : String(r.guidance)
        lines.append("Steps: \(r.steps), Sampler: Euler, CFG scale: \(guidance), Seed: \(r.seed), Size: \(r.width)x\(r.height), Model: \(modelName), Version: segmixd")
        return lines.joined(separator: "\n")
    }
}
