import CKernels
import Tensors

extension CPUDevice {
    public func squaredError(_ prediction: Tensor, _ target: Tensor, _ mask: Tensor) -> [Double] {
        let n = prediction.shape[0], pixels = prediction.shape[1] * prediction.shape[2], channels = prediction.shape[3]
        let (p, t, m) = (prediction.floats, target.floats, mask.floats)
        return (0..<n).map { image in
            var sum = 0.0
            for pixel in image * pixels..<(image + 1) * pixels {
                var own = 0.0
                for c in pixel * channels..<(pixel + 1) * channels {
                    let e = Double(p[c]) - Double(t[c])
                    own += e * e
                }
                sum += own * Double(m[pixel])
            }
            return sum
        }
    }

    public func squaredErrorGradient(_ d: Tensor, _ prediction: Tensor, _ target: Tensor, _ mask: Tensor, factors: [Float]) {
        let n = prediction.shape[0], pixels = prediction.shape[1] * prediction.shape[2], channels = prediction.shape[3]
        let (d, p, t, m) = (d.floats, prediction.floats, target.floats, mask.floats)
        for image in 0..<n {
            for pixel in image * pixels..<(image + 1) * pixels {
                let factor = 2 * factors[image] * m[pixel]
                for c in pixel * channels..<(pixel + 1) * channels { d[c] = factor * (p[c] - t[c]) }
            }
        }
    }

    public func sumOfSquares(_ x: Tensor) -> Double { ck_sum_of_squares(x.floats, x.count) }

    public func adamW(_ p: Tensor, _ m: Tensor, _ v: Tensor, _ gradient: Tensor, gradientScale: Float, _ step: AdamWStep) {
        var o = ck_adamw(
            learning_rate: step.learningRate, beta1: step.beta1, beta2: step.beta2,
            epsilon: step.epsilon, weight_decay: step.weightDecay, bias1: step.bias1, bias2: step.bias2)
        ck_adamw_step(p.floats, m.floats, v.floats, gradient.floats, gradientScale, &o, p.count)
    }
}
