import CPUDevice
import Files
import Foundation
import Images
import Jobs
import Vision

/// `segmix segment`: one mask of one picture.
public struct SegmentJob {
    let model, image, output: String
    /// nil: what stands out, as for the photos of a job.
    let prompt: SegmentationPrompt?
    /// U²-NetP's directory.
    private let saliency: String?
    let precision: JobSpecification.MixedPrecision

    /// - Parameters:
    ///   - model: a SAM or MobileSAM directory; nil: the bundled default.
    ///   - maskModels: where the configuration says that the default models are.
    ///   - box: `x0,y0,x1,y1` in pixels of the upright picture.
    ///   - points: `x,y` on the object, or `x,y,0` beside it. Without box and points what stands out is the object.
    /// - Throws: `JobFailure`: usage for values that are none, unavailable where the default model is missing.
    public init(
        model: String?, maskModels: String?, image: String, box: String?, points: [String], output: String,
        precision: JobSpecification.MixedPrecision = .no
    ) throws {
        let isSaid = box != nil || !points.isEmpty
        prompt = isSaid ? SegmentationPrompt(box: try box.map(Self.box), points: try points.map(Self.point)) : nil
        (self.image, self.output, self.precision) = (image, output, precision)
        let bundled = model == nil || !isSaid ? try DefaultModels(configured: maskModels) : nil
        self.model = model ?? bundled!.segmenter
        saliency = isSaid ? nil : bundled!.saliency
    }

    private static func numbers(_ text: String) -> [Double] {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { Double($0.trimmingCharacters(in: .whitespaces)) }
        return parts.allSatisfy { $0?.isFinite ?? false } ? parts.compactMap { $0 } : []
    }

    static func box(_ text: String) throws -> SegmentationPrompt.Box {
        let n = numbers(text)
        guard n.count == 4 else { throw JobFailure(.usage, "--box is \(text); four numbers x0,y0,x1,y1 in pixels are wanted") }
        guard n[0] < n[2], n[1] < n[3] else { throw JobFailure(.usage, "--box is \(text); the first corner should be above and to the left of the second") }
        return .init(x0: n[0], y0: n[1], x1: n[2], y1: n[3])
    }

    static func point(_ text: String) throws -> SegmentationPrompt.Point {
        let n = numbers(text)
        guard n.count == 2 || n.count == 3 && (n[2] == 0 || n[2] == 1) else {
            throw JobFailure(.usage, "--point is \(text); two numbers x,y in pixels are wanted, with ,0 after them for a point beside the object")
        }
        return .init(x: n[0], y: n[1], isInside: n.count == 2 || n[2] == 1)
    }

    public struct Result: Encodable {
        public let image, output: String
        /// Of the upright picture and the mask.
        public let width, height: Int
        /// What the model believes the mask's intersection over union with the object to be.
        public let predictedIoU: Double
        /// The share of the picture that the mask covers.
        public let coverage: Double
        /// What speaks against the mask.
        public let doubt: String?

        private enum CodingKeys: String, CodingKey {
            case image, output, width, height, predictedIoU = "predicted_iou", coverage, doubt
        }

        public var line: String {
            String(format: "%@: %.1f %% of the picture, predicted intersection over union %.3f", output, 100 * coverage, predictedIoU)
                + (doubt.map { "; it may be wrong: \($0)" } ?? "")
        }
    }

    /// Writes the mask, 0 and 255, at the upright picture's size.
    /// - Throws: `JobFailure` (unavailable) where the model is not there; `Fault` where the prompt is outside the picture, or nothing stands
    ///   out; the errors of reading model and picture and of writing the mask.
    public func run() throws -> Result {
        try DetectionOptions.requireModel(model, "SAM", like: "facebook/sam-vit-huge")
        // A large model looks at a picture for minutes.
        try Directory.requireWritable(Directory.parent(of: output))
        let picture = try ImageFile.readPhoto(image), prompt = try prompt.map { try inside(picture, $0) }
        CPUDevice.install()
        let sam = try SAM(directory: model, precision: precision.elementType)
        guard let prompt else { return try standingOut(of: picture, sam) }
        let embedding = sam.embed(picture)
        // One point alone may mean a thing, a part of it, or a part of that: the model's own choice among them is taken.
        let isAmbiguous = prompt.box == nil && prompt.points.count == 1
        let candidates = try sam.segment(embedding, prompt, output: isAmbiguous ? .candidates : .single)
        let best = candidates.max { $0.predictedIoU < $1.predictedIoU }!
        return try write(best.mask(), predictedIoU: Double(best.predictedIoU), doubt: nil)
    }

    private func standingOut(of picture: RGBImage, _ sam: SAM) throws -> Result {
        let masker = SalientMasker(try JobFailure.ofConfiguration { try U2Net(directory: saliency!) }, segmenter: SAMProposals(sam, offersAll: true))
        let result = try masker.mask(of: picture)
        guard let mask = result.mask, result.isGood else {
            throw Fault(file: image, "\(result.decision.complaint ?? "nothing stands out from the background"); say where the object is with --box x0,y0,x1,y1 or --point x,y")
        }
        return try write(mask.image, predictedIoU: result.decision.predictedIoU ?? 0, doubt: result.decision.doubt)
    }

    private func write(_ mask: GrayImage, predictedIoU: Double, doubt: String?) throws -> Result {
        try AtomicFile.write(PNGEncoder.encode(mask), to: output)
        return Result(
            image: image, output: output, width: mask.width, height: mask.height, predictedIoU: predictedIoU,
            coverage: Double(mask.bytes.count { $0 == 255 }) / Double(mask.bytes.count), doubt: doubt)
    }

    /// The prompt, its box cut to the picture.
    private func inside(_ picture: RGBImage, _ prompt: SegmentationPrompt) throws -> SegmentationPrompt {
        let (width, height) = (Double(picture.width), Double(picture.height))
        func outside(_ what: String) -> Fault { Fault(file: image, "\(what) lies outside the picture, which is \(picture.width) × \(picture.height) pixels when upright") }
        var prompt = prompt
        if let box = prompt.box {
            let cut = SegmentationPrompt.Box(x0: max(box.x0, 0), y0: max(box.y0, 0), x1: min(box.x1, width), y1: min(box.y1, height))
            guard cut.x0 < cut.x1, cut.y0 < cut.y1 else { throw outside("the box \(box.x0),\(box.y0),\(box.x1),\(box.y1)") }
            prompt.box = cut
        }
        for point in prompt.points where point.x < 0 || point.y < 0 || point.x > width || point.y > height {
            throw outside("the point \(point.x),\(point.y)")
        }
        return prompt
    }
}
