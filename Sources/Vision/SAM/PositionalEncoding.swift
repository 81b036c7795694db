import Foundation
import Tensors
import Weights

/// Places in the unit square as sines and cosines of random projections (Tancik et al. 2020):
///
///     φ = 2π·(2p − 1)·G        [sin φ, cos φ]
struct PositionalEncoding {
    /// The two rows of G.
    private let x, y: [Float]

    /// `weights` holds `positional_embedding`, `[2, features]`.
    init(_ weights: WeightScope, features: Int) {
        let matrix = weights.tensor("positional_embedding", shape: [2, features]).widened().values
        (x, y) = (Array(matrix[..<features]), Array(matrix[features...]))
    }

    /// Of places given as 2p − 1, in float32 and in PyTorch's order of operations: the phases may be many turns.
    /// `[places.count, 2·features]`
    func callAsFunction(_ places: [(x: Float, y: Float)]) -> Tensor {
        let features = x.count, turn = Float(2 * Double.pi)
        var out = [Float](repeating: 0, count: places.count * 2 * features)
        for (row, place) in places.enumerated() {
            for i in 0..<features {
                let phase = turn * (place.x * x[i]).addingProduct(place.y, y[i])
                out[row * 2 * features + i] = sin(phase)
                out[row * 2 * features + features + i] = cos(phase)
            }
        }
        return Tensor(out, shape: [places.count, 2 * features])
    }

    /// Of the centres of a grid's cells, `[1, side², 2·features]`.
    func grid(_ side: Int) -> Tensor {
        let places = (0..<side).map { 2 * ((Float($0) + 0.5) / Float(side)) - 1 }
        return self(places.flatMap { y in places.map { (x: $0, y: y) } }).reshaped([1, side * side, 2 * x.count])
    }
}
