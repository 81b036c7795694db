import Diffusion
import Tensors

/// Finds out whether a model predicts what its `scheduler_config.json` says, from what it makes of the first plain pictures: a model made
/// from a single-file checkpoint may say `epsilon` there and have been trained for velocity, and whatever a LoRA learned would be wrong.
///
/// Between 30 and 70 % of the schedule the targets ε and v = √ᾱ·ε − √(1 − ᾱ)·z are far apart. Of a trained model the error of the right
/// one is well below its variance; a model that has learned neither is left alone.
struct PredictionProbe {
    private let schedule: NoiseSchedule
    private var images = 0
    /// Sums of squares: what is left of the target that the schedule says, of the other one, and the other one itself.
    private var own = 0.0, other = 0.0, otherTarget = 0.0

    /// So many pictures decide.
    static let enough = 4

    init(_ schedule: NoiseSchedule) { self.schedule = schedule }

    /// - Parameters:
    ///   - prediction: `[N, …]`, as latents and noise are.
    ///   - isPlain: whether a picture may be one that the model has been trained on.
    /// - Throws: `TrainingError.otherPrediction`
    mutating func look(at prediction: Tensor, latents: Tensor, noise: Tensor, timesteps: [Int], isPlain: [Bool]) throws(TrainingError) {
        guard images < Self.enough else { return }
        let each = latents.count / timesteps.count
        for (image, t) in timesteps.enumerated() where isPlain[image] && (0.3..<0.7).contains(Double(t) / Double(schedule.steps)) {
            let signal = schedule.signal(t), share = schedule.noise(t)
            for i in image * each..<(image + 1) * each {
                let epsilon = noise.floats[i], velocity = signal * epsilon - share * latents.floats[i]
                let (said, unsaid) = schedule.prediction == .epsilon ? (epsilon, velocity) : (velocity, epsilon)
                func square(_ x: Float) -> Double { Double(x) * Double(x) }
                own += square(prediction.floats[i] - said)
                other += square(prediction.floats[i] - unsaid)
                otherTarget += square(unsaid)
            }
            images += 1
        }
        if images >= Self.enough, other < otherTarget / 2, own > 2 * other { throw .otherPrediction(says: schedule.prediction) }
    }
}
