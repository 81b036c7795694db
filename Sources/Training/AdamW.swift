import Tensors
import Weights

/// AdamW over the parameters of an adapter set (PyTorch's, decoupled weight decay). Moments are float32.
final class AdamW {
    struct Settings: Sendable, Equatable {
        var beta1, beta2, epsilon, weightDecay: Double
    }

    let settings: Settings
    let parameters: [(name: String, parameter: Parameter)]
    /// First and second moment of each parameter.
    let first, second: [Tensor]

    init(_ adapters: AdapterSet, _ settings: Settings) {
        self.settings = settings
        parameters = adapters.parameters
        first = parameters.map { Tensor(zeros: $0.parameter.value.shape) }
        second = parameters.map { Tensor(zeros: $0.parameter.value.shape) }
    }

    /// L2 norm of all gradients together, times `scale`.
    func gradientNorm(scale: Double) -> Double {
        parameters.reduce(0.0) { $0 + ($1.parameter.gradient.map { $0.device.sumOfSquares($0) } ?? 0) }.squareRoot() * scale
    }

    /// Whether the parameters are numbers.
    var isFinite: Bool { parameters.allSatisfy { $0.parameter.value.device.sumOfSquares($0.parameter.value).isFinite } }

    /// One update, counted from 1, with the gradients times `scale`; then they are gone.
    func step(_ count: Int, learningRate: Double, gradientScale scale: Double) {
        let step = AdamWStep(
            learningRate: learningRate, beta1: settings.beta1, beta2: settings.beta2, epsilon: settings.epsilon,
            weightDecay: settings.weightDecay, step: count)
        for (i, (name, parameter)) in parameters.enumerated() {
            guard let gradient = parameter.gradient else { preconditionFailure("AdamW: \(name) has no gradient") }
            gradient.device.adamW(parameter.value, first[i], second[i], gradient, gradientScale: Float(scale), step)
            parameter.zeroGradient()
        }
    }
}
