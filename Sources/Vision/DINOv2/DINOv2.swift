import Diffusion
import Images
import Layers
import Tensors
import Weights

/// DINOv2 (Oquab et al., "Learning robust visual features without supervision", 2023): pictures to vectors that lie close
/// where they show the same thing. Reads `facebook/dinov2-base` and its relatives as they are on the hub. Forward only.
///
///     let embedder = try DINOv2(directory: path)
///     let vector = embedder.embedding(of: photo)
public final class DINOv2 {
    public let path: String
    public let configuration: DINOv2Configuration
    private let pixels: DINOv2Pixels
    private let patches: PatchEmbedding
    private let classToken: Tensor
    private let positions: PositionGrid
    private var resizedPositions: [[Int]: Tensor] = [:]
    private let layers: [DINOv2Layer]
    private let norm: LayerNorm

    /// Numbers of an embedding.
    public var width: Int { configuration.width }

    /// - Throws: `ModelError`, `WeightsError`, `WeightFaults`, `SafetensorsError`, `FileError`.
    public init(directory: String) throws {
        path = directory
        let c = try DINOv2Configuration(directory: directory)
        configuration = c
        pixels = try DINOv2Pixels(directory: directory, patch: c.patch)
        // The mask token is for training.
        let weights = try WeightStore(directory: directory, baseName: "model", ignoring: ["embeddings.mask_token"])
        let root = weights.root, embeddings = root["embeddings"]
        patches = PatchEmbedding(embeddings["patch_embeddings"]["projection"], width: c.width, patch: c.patch, bias: true)
        classToken = embeddings.tensor("cls_token", shape: [1, 1, c.width]).widened().reshaped([c.width])
        let (rows, columns) = patches.grid(height: c.height, width: c.side)
        positions = PositionGrid(
            embeddings.tensor("position_embeddings", shape: [1, 1 + rows * columns, c.width]).widened().reshaped([1 + rows * columns, c.width]),
            rows: rows, columns: columns)
        layers = (0..<c.layers).map { DINOv2Layer(root["encoder"]["layer"][$0], c) }
        norm = LayerNorm(root["layernorm"], width: c.width, epsilon: c.epsilon)
        try weights.finish()
    }

    /// A photo as the model sees it, `[1, H, W, 3]`.
    /// - Throws: `ImageError` where the picture is so narrow that it would become too large.
    public func prepared(_ image: RGBImage, name: String = "the picture") throws -> Tensor { try pixels(image, name: name) }

    /// The last hidden states, normalised: `[N, H, W, 3]` to `[N, 1 + patches, width]`, the class token first.
    public func states(_ pixels: Tensor) -> Tensor {
        let (rows, columns) = patches.grid(height: pixels.shape[1], width: pixels.shape[2])
        precondition(rows > 0 && columns > 0, "DINOv2: \(pixels.shape) is smaller than a patch")
        let places = resizedPositions[[rows, columns]] ?? positions.resized(rows: rows, columns: columns)
        resizedPositions[[rows, columns]] = places
        var x = patches(pixels, classToken: classToken, positions: places)
        for layer in layers { x = layer(x) }
        return norm(x)
    }

    /// The mean of a photo's last hidden states, the class token's among them: `width` numbers.
    /// - Throws: as `prepared`; `ModelError` where the numbers are not finite.
    public func embedding(of image: RGBImage, name: String = "the picture") throws -> [Float] {
        let states = states(try prepared(image, name: name)), count = states.shape[1], values = states.values
        let mean = (0..<width).map { i in Float((0..<count).reduce(0.0) { $0 + Double(values[$1 * width + i]) } / Double(count)) }
        try mean.requireFinite(of: path)
        return mean
    }
}
