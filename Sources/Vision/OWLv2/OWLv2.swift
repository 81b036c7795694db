import Diffusion
import Files
import Foundation
import Images
import Tensors
import Weights

/// OWLv2 (Minderer et al., "Scaling open-vocabulary object detection", 2023): boxes around what a query in words names.
/// Reads `google/owlv2-base-patch16-ensemble` and its relatives as they are on the hub. Forward only.
///
///     let detector = try OWLv2(directory: path)
///     let found = try detector.detect(photo, queries: ["corgi"], threshold: 0.2)
public final class OWLv2 {
    /// Boxes that overlap a better one by more than this (intersection over union) are taken for the same object's.
    public static let defaultOverlap = 0.5

    public let path: String
    public let configuration: OWLv2Configuration
    private let tokenizer: CLIPTokenizer
    private let text: CLIPTextEncoder
    private let vision: OWLv2VisionEncoder
    private let heads: OWLv2Heads
    private let pixels: OWLv2Pixels
    private var embeddings: [String: [Float]] = [:]

    /// In files, but of no use here: the projection of whole pictures, and tables that older versions wrote out.
    private static let unneeded: Set<String> = [
        "owlv2.visual_projection.weight", "owlv2.logit_scale", "owlv2.text_model.embeddings.position_ids",
        "owlv2.vision_model.embeddings.position_ids", "box_bias",
    ]

    /// - Parameter precision: what the layers that look at the picture compute in, float32 or bfloat16.
    /// - Throws: `ModelError`, `TokenizerError`, `WeightsError`, `WeightFaults`, `SafetensorsError`, `FileError`.
    public init(directory: String, precision: ElementType = .float32) throws {
        path = directory
        configuration = try OWLv2Configuration(directory: directory)
        pixels = try OWLv2Pixels(directory: directory, side: configuration.vision.side)
        tokenizer = try CLIPTokenizer(directory: URL(fileURLWithPath: directory))
        guard tokenizer.idCount <= configuration.text.vocabulary, tokenizer.length <= configuration.text.positions else {
            let saysHowMany = try Folder.destination(directory + "/tokenizer_config.json") != nil
            throw ModelError(
                path: directory,
                reason: "the text model has \(configuration.text.vocabulary) tokens and \(configuration.text.positions) positions, its tokenizer "
                    + "\(tokenizer.idCount) and \(tokenizer.length)"
                    + (saysHowMany
                        ? "; the files are not of one model" : ", because tokenizer_config.json, which says how many, is missing; fetch it too"))
        }
        let weights = try WeightStore(directory: directory, baseName: "model", ignoring: Self.unneeded)
        text = CLIPTextEncoder(weights.root["owlv2"], configuration.text)
        vision = OWLv2VisionEncoder(weights.root, configuration.vision, precision: precision)
        heads = OWLv2Heads(weights.root, configuration)
        try weights.finish()
    }

    /// The place of a query in the space in which patches are compared with it: a unit vector of `projection` numbers.
    /// - Throws: `QueryError` where the query is empty or has more tokens than the model reads.
    public func embedding(of query: String) throws -> [Float] {
        if let known = embeddings[query] { return known }
        let tokens = tokenizer.tokenize(query)
        guard tokens.attentionLength > 2 else { throw QueryError("the query “\(query)” is empty; say in words what to look for") }
        if let rest = tokens.truncatedText {
            throw QueryError(
                "the query “\(query.prefix(100))” is too long for this model (\(path)), which reads \(tokenizer.length - 2) tokens; shorten it (“\(rest.prefix(100))” is too much)")
        }
        let projected = text([tokens.ids]).pooled!.values
        let norm = projected.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        let unit = projected.map { Float(Double($0) / norm) }
        embeddings[query] = unit
        return unit
    }

    /// A photo as the model sees it, `[1, side, side, 3]`.
    public func prepared(_ image: RGBImage) -> Tensor { pixels(image) }

    /// What the encoder makes of prepared pixels: one row per patch, `[patches, width]`.
    public func features(_ pixels: Tensor) -> Tensor { Tape.paused { vision(pixels) } }

    /// What the model says of every patch. One pass over the picture, whatever the number of queries.
    /// - Throws: `QueryError`, as `embedding(of:)`; `ModelError` where the numbers are not finite.
    public func predict(_ image: RGBImage, queries: [String]) throws -> OWLv2Prediction {
        precondition(!queries.isEmpty, "OWLv2: no query")
        let rows = try queries.flatMap(embedding(of:))
        let features = features(prepared(image))
        let (logits, boxes, objectness) = heads(features, queries: Tensor(rows, shape: [queries.count, configuration.projection]))
        for numbers in [logits, boxes, objectness] { try numbers.requireFinite(of: path) }
        return OWLv2Prediction(
            queries: queries, width: image.width, height: image.height, logits: logits, boxes: boxes, objectness: objectness)
    }

    /// What is found in a photo, one box for each object, highest score first.
    /// - Throws: as `predict`.
    public func detect(
        _ image: RGBImage, queries: [String], threshold: Double, overlap: Double = OWLv2.defaultOverlap
    ) throws -> [Detection] {
        try predict(image, queries: queries).detections(threshold: threshold, overlap: overlap)
    }
}
