import Diffusion
import Images
import Tensors
import Weights

/// Segment Anything (Kirillov et al. 2023), which turns a box or points into a mask: `facebook/sam-vit-base`, `-large`,
/// `-huge` in Hugging Face layout, or MobileSAM (Zhang et al. 2023), which has a smaller encoder before the same decoder.
public struct SAM {
    /// Which of the decoder's masks are wanted.
    public enum Output: Sendable {
        /// The one for prompts that leave no doubt, such as a box.
        case single
        /// The three (by the configuration) for ambiguous prompts: whole, part, part of a part.
        case candidates
    }

    public let path: String
    public let configuration: SAMConfiguration
    private enum Encoder { case vit(SAMEncoder), tinyViT(TinyViT) }
    private let encoder: Encoder
    private let prompts: SAMPromptEncoder
    private let decoder: SAMMaskDecoder
    private let processor: SAMImageProcessor

    /// Opens a directory with `config.json`, `model.safetensors` (or shards) and usually `preprocessor_config.json`.
    /// - Parameter precision: what the layers that look at the picture compute in, float32 or bfloat16. MobileSAM's, which
    ///   are small, are float32 always, and so are prompts and masks.
    /// - Throws: `ModelError`, `WeightFaults`, `WeightsError`, `SafetensorsError`, `FileError`.
    public init(directory: String, precision: ElementType = .float32) throws {
        path = directory
        configuration = try SAMConfiguration(directory: directory)
        processor = try SAMImageProcessor(directory: directory, imageSize: configuration.imageSize)
        // Files may hold the matrix of the places twice.
        let store = try WeightStore(
            directory: directory, baseName: "model", aliases: [.samPlaces], ignoring: ["prompt_encoder.shared_embedding.positional_embedding"])
        let vision = store.root["vision_encoder"]
        encoder = switch configuration.encoder {
        case .vit(let c): .vit(SAMEncoder(vision, c, precision: precision))
        case .tinyViT(let c): .tinyViT(TinyViT(vision, c))
        }
        prompts = SAMPromptEncoder(store.root, configuration)
        decoder = SAMMaskDecoder(store.root["mask_decoder"], configuration)
        try store.finish()
    }

    /// The features of an upright photo.
    public func embed(_ photo: RGBImage) -> ImageEmbedding {
        let size = processor.resizedSize(width: photo.width, height: photo.height)
        return ImageEmbedding(
            features: Tape.paused { features(processor(photo)) }, width: photo.width, height: photo.height, resizedWidth: size.width,
            resizedHeight: size.height, side: processor.side)
    }

    /// What the encoder makes of normalised pixels `[1, imageSize, imageSize, 3]`: `[1, grid, grid, width]`.
    public func features(_ pixels: Tensor) -> Tensor {
        switch encoder {
        case .vit(let encoder): encoder(pixels)
        case .tinyViT(let encoder): encoder(pixels)
        }
    }

    /// The photo's pixels as the encoder takes them, `[1, imageSize, imageSize, 3]`.
    public func pixels(_ photo: RGBImage) -> Tensor { processor(photo) }

    /// The masks for a prompt, which has a box or a point, on an embedded photo.
    /// - Parameter mask: the logits of an earlier candidate of the same photo, to be made better by the prompt.
    /// - Throws: `ModelError` where the numbers are not finite.
    public func segment(
        _ embedding: ImageEmbedding, _ prompt: SegmentationPrompt, refining mask: Tensor? = nil, output: Output = .single
    ) throws -> [MaskCandidate] {
        precondition(prompt.box != nil || !prompt.points.isEmpty, "SAM: a prompt without a box and without points")
        return try Tape.paused {
            let (logits, scores) = decoder(
                features: prompts.features(embedding.features, mask: mask), places: prompts.gridPlaces,
                tokens: prompts.tokens(prompt, scale: embedding.scale), range: output == .single ? 0..<1 : 1..<configuration.decoder.masks + 1)
            try (scores + logits.values).requireFinite(of: path)
            return scores.enumerated().map { i, score in
                MaskCandidate(logits: logits.rows(i, 1).reshaped(Array(logits.shape.dropFirst())), predictedIoU: score, embedding: embedding)
            }
        }
    }
}
