import Diffusion
import SegMix
import Tensors

/// The random and drawn inputs of one micro-step: [instances…, priors…].
struct MicroStep {
    let index: Int
    let examples: [TrainingExample]
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

    /// One picture, `[1, R, R, 3]`.
    func pixels(_ i: Int) -> Tensor {
        let side = examples[i].picture.width
        return Tensor(examples[i].pixelValues, shape: [1, side, side, 3])
    }

    /// All of them as a trace has them, `[B, 3, R, R]`.
    var planarPixels: Tensor {
        let side = examples[0].picture.width
        return Tensor(examples.flatMap(\.planarPixelValues), shape: [examples.count, 3, side, side])
    }

    var maskMeans: [Double] {
        (0..<examples.count).map { i in
            examples[i].lossMask.reduce(0.0) { $0 + Double($1) } / Double(examples[i].lossMask.count)
        }
    }
}
