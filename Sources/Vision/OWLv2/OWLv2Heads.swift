import Foundation
import Layers
import Tensors
import Weights

/// What OWLv2 reads off each patch: a box around the patch's place, how likely there is an object at all, and how well it
/// fits each query.
struct OWLv2Heads {
    private let box, objectness: PredictionHead
    private let classes, shift, scale: Linear
    private let grid: Int

    init(_ weights: WeightScope, _ c: OWLv2Configuration) {
        let width = c.vision.width, head = weights["class_head"]
        box = PredictionHead(weights["box_head"], width: width, outputs: 4)
        objectness = PredictionHead(weights["objectness_head"], width: width, outputs: 1)
        classes = Linear(head["dense0"], inputs: width, outputs: c.text.width, bias: true)
        shift = Linear(head["logit_shift"], inputs: width, outputs: 1, bias: true)
        scale = Linear(head["logit_scale"], inputs: width, outputs: 1, bias: true)
        grid = c.vision.grid
    }

    /// - Parameters:
    ///   - features: `[patches, width]`
    ///   - queries: unit vectors `[Q, projection]`
    func callAsFunction(_ features: Tensor, queries: Tensor) -> (logits: [Float], boxes: [Float], objectness: [Float]) {
        (logits(features, queries), boxes(features), objectness(features).values)
    }

    /// (cos(patch, query) + shift)·(elu(scale) + 1), `[patches, Q]`.
    private func logits(_ features: Tensor, _ queries: Tensor) -> [Float] {
        let embeddings = classes(features), width = embeddings.shape[1], count = queries.shape[0]
        var logits = embeddings.linear(queries).values
        let shifts = shift(features).values, scales = scale(features).values, rows = embeddings.floats
        for patch in shifts.indices {
            var squares = 0.0
            for i in 0..<width {
                let v = Double(rows[patch * width + i])
                squares += v * v
            }
            let norm = Float(squares.squareRoot()) + 1e-6, s = scales[patch], factor = s > 0 ? s + 1 : exp(s)
            for q in 0..<count { logits[patch * count + q] = (logits[patch * count + q] / norm + shifts[patch]) * factor }
        }
        return logits
    }

    /// Centre x and y, width and height as shares of the square's side, `[patches, 4]`: the head's output plus the logit of
    /// the patch's own place and size, through a sigmoid. The arithmetic is float32 because near 1 the logit is steep.
    private func boxes(_ features: Tensor) -> [Float] {
        var values = box(features).values
        func logit(_ share: Float) -> Float { log(share + 1e-4) - log1p(-share + 1e-4) }
        let places = (0..<grid).map { logit(Float($0 + 1) / Float(grid)) }, size = logit(1 / Float(grid))
        for patch in 0..<grid * grid {
            for (i, bias) in [places[patch % grid], places[patch / grid], size, size].enumerated() {
                values[4 * patch + i] = logistic(values[4 * patch + i] + bias)
            }
        }
        return values
    }
}

/// 1 / (1 + e⁻ˣ)
func logistic(_ x: Float) -> Float { 1 / (1 + exp(-x)) }

/// Three linear maps with exact GELU between them.
private struct PredictionHead {
    let first, second, last: Linear

    init(_ weights: WeightScope, width: Int, outputs: Int) {
        first = Linear(weights["dense0"], inputs: width, outputs: width, bias: true)
        second = Linear(weights["dense1"], inputs: width, outputs: width, bias: true)
        last = Linear(weights["dense2"], inputs: width, outputs: outputs, bias: true)
    }

    func callAsFunction(_ x: Tensor) -> Tensor { last(second(first(x).gelu()).gelu()) }
}
