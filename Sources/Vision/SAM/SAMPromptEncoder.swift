import Layers
import Tensors
import Weights

/// Prompts as tokens for the mask decoder, an earlier mask as features (transformers' `SamPromptEncoder`).
struct SAMPromptEncoder {
    private let places: PositionalEncoding
    /// What is added to a place: of a point beside the object, on it, of a box's first and second corner. `[1, width]` each.
    private let kinds: [Tensor]
    private let noPoint, noMask: Tensor
    private let mask: SAMMaskEmbedding
    private let imageSize, grid: Int
    /// The places of the grid's cells, `[1, grid², width]`.
    let gridPlaces: Tensor

    /// `weights` is the model's root: the places' matrix lies beside the prompt encoder.
    init(_ weights: WeightScope, _ c: SAMConfiguration) {
        let own = weights["prompt_encoder"]
        places = PositionalEncoding(weights["shared_image_embedding"], features: c.width / 2)
        kinds = (0..<4).map { own["point_embed"][$0].tensor("weight", shape: [1, c.width]).widened() }
        noPoint = own["not_a_point_embed"].tensor("weight", shape: [1, c.width]).widened()
        noMask = own["no_mask_embed"].tensor("weight", shape: [1, c.width]).widened().reshaped([c.width])
        mask = SAMMaskEmbedding(own["mask_embed"], c)
        (imageSize, grid) = (c.imageSize, c.grid)
        gridPlaces = places.grid(c.grid)
    }

    /// The tokens of a prompt, `[n, width]`: points first, then the two corners of the box, or where there is none a
    /// token that says so. `scale` takes photo pixels to those of the encoder.
    func tokens(_ prompt: SegmentationPrompt, scale: (x: Double, y: Double)) -> Tensor {
        func place(_ x: Double, _ y: Double) -> (x: Float, y: Float) {
            func unit(_ pixel: Double) -> Float { Float(2 * ((pixel + 0.5) / Double(imageSize)) - 1) }
            return (unit(x * scale.x), unit(y * scale.y))
        }
        var parts = prompt.points.map { places([place($0.x, $0.y)]) + kinds[$0.isInside ? 1 : 0] }
        if let box = prompt.box {
            // Corners are float32 in transformers' processor, points are not.
            let corners = [(box.x0, box.y0), (box.x1, box.y1)].map { (Double(Float($0)), Double(Float($1))) }
            parts += corners.enumerated().map { places([place($1.0, $1.1)]) + kinds[2 + $0] }
        } else {
            parts.append(noPoint)
        }
        return Tensor.stacked(parts)
    }

    /// `features` `[1, grid, grid, width]` with an earlier mask of the same photo added, `[4·grid, 4·grid]` logits, or with
    /// what stands for none.
    func features(_ features: Tensor, mask logits: Tensor?) -> Tensor {
        if let logits {
            precondition(logits.shape == [4 * grid, 4 * grid], "SAM: a mask \(logits.shape) as a prompt, \(4 * grid) a side wanted")
            return features + mask(logits.reshaped([1, 4 * grid, 4 * grid, 1]))
        }
        return features.addingPerImage(noMask.reshaped([1, noMask.count]))
    }
}

/// Brings a mask down to the grid by two convolutions of stride 2 and gives it the features' width.
private struct SAMMaskEmbedding {
    let first, second, last: Conv2D
    let norm1, norm2: LayerNorm
    let activation: SAMActivation

    init(_ weights: WeightScope, _ c: SAMConfiguration) {
        let channels = c.prompt.maskChannels
        first = Conv2D(weights["conv1"], inputs: 1, outputs: channels / 4, size: 2, stride: 2, padding: Padding(0))
        second = Conv2D(weights["conv2"], inputs: channels / 4, outputs: channels, size: 2, stride: 2, padding: Padding(0))
        last = Conv2D(weights["conv3"], inputs: channels, outputs: c.width, size: 1)
        norm1 = LayerNorm(weights["layer_norm1"], width: channels / 4, epsilon: c.prompt.epsilon)
        norm2 = LayerNorm(weights["layer_norm2"], width: channels, epsilon: c.prompt.epsilon)
        activation = c.prompt.activation
    }

    func callAsFunction(_ x: Tensor) -> Tensor { last(activation(norm2(second(activation(norm1(first(x))))))) }
}
