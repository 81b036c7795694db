import Jobs
import Tensors
import Weights

/// Noise that somebody gives (`--init-latents`): `latents`, and for samplers that add noise of their own optionally
/// `step_noise`.
struct InitialLatents {
    /// `[1, h, w, C]`
    let noise: Tensor
    /// The noise added after a step, shaped as `noise`; nil: the seed's.
    let stepNoise: ((Int) -> Tensor)?

    /// - Parameters:
    ///   - shape: `[1, h, w, C]`; the file has PyTorch's order, of any float type.
    ///   - steps: how many were asked for.
    ///   - visited: how many the sampler takes; after the last nothing is added.
    init(_ path: String, shape: [Int], steps: Int, visited: Int) throws {
        let file = try SafetensorsFile(path), wanted = [1, shape[3], shape[1], shape[2]]
        guard let entry = file["latents"], entry.shape == wanted else {
            throw Fault(file: path, "should hold a tensor `latents` of shape \(wanted) for this size" + (file["latents"].map { ", not \($0.shape)" } ?? ""))
        }
        noise = try file.tensor("latents").widened().channelsLast()
        guard let given = file["step_noise"] else {
            stepNoise = nil
            return
        }
        guard [steps, visited].contains(where: { given.shape == [$0] + wanted }) else {
            throw Fault(file: path, "`step_noise` should be of shape \([steps] + wanted) for \(steps) steps of this size, not \(given.shape)")
        }
        let all = try file.tensor("step_noise").widened()
        stepNoise = { all.rows($0, 1).reshaped(wanted).channelsLast() }
    }
}
