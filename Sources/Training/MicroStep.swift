import Diffusion
import SegMix
import Tensors

/// The random and drawn inputs of one micro-step: [instances…, priors…].
struct MicroStep {
    let index: Int
    let examples: [TrainingExample]
    /// `[B, 3, R, R]`
    let pixels: Tensor
    /// `[B, R/f, R/f]`
    let mask: Tensor
    /// `[B, C, R/f, R/f]`, PyTorch's order, so that a trace can be replayed.
    let posteriorNoise, noise: Tensor
    let timesteps: [Int]

    /// All noise is a function of (seed, purpose, micro-step, place in the batch).
    init(index: Int, examples: [TrainingExample], seed: UInt64, channels: Int, factor: Int, timestepCount: Int) {
        let n = examples.count, side = examples[0].picture.width, latentSide = side / factor
        self.index = index
        self.examples = examples
        pixels = Tensor(examples.flatMap(\.planarPixelValues), shape: [n, 3, side, side])
        mask = Tensor(examples.flatMap(\.lossMask), shape: [n, latentSide, latentSide])
        func normals(_ purpose: RandomPurpose) -> Tensor {
            let values = (0..<n).flatMap { i in
                var stream = RandomStream(seed: seed, purpose: purpose, step: index, index: i)
                return stream.normals(channels * latentSide * latentSide)
            }
            return Tensor(values, shape: [n, channels, latentSide, latentSide])
        }
        posteriorNoise = normals(.posterior)
        noise = normals(.noise)
        timesteps = (0..<n).map { i in
            var stream = RandomStream(seed: seed, purpose: .timestep, step: index, index: i)
            return stream.integer(in: 0...(timestepCount - 1))
        }
    }

    var maskMeans: [Double] {
        (0..<examples.count).map { i in
            examples[i].lossMask.reduce(0.0) { $0 + Double($1) } / Double(examples[i].lossMask.count)
        }
    }
}
