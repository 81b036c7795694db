import CPUDevice
import Tensors

/// What a machine does in a second of each kind of work.
public struct MachineSpeed: Sendable {
    public let rates: [Work.Kind: Double]

    /// Rates in about the right proportions, where only the order of costs counts.
    static let typical = MachineSpeed(rates: [
        .product: 190e9, .thinProduct: 90e9, .directConvolution: 170e9, .winograd: 150e9, .attention: 150e9, .attentionBackward: 150e9,
        .widening: 20e9, .memory: 15e9,
    ])

    /// This machine's, measured with the engine's own kernels on shapes as SDXL's, in about a second.
    public static func measured() -> MachineSpeed {
        Devices.using(CPUDevice()) {
            var rates: [Work.Kind: Double] = [:]
            /// The best of a few runs, after one that fetches the memory and relays weights.
            func measure(_ kind: Work.Kind, counting counted: Work.Kind? = nil, _ body: () -> Void) {
                body()
                let counter = PlanningDevice()
                Devices.using(counter, body)
                var best = Double.infinity
                for _ in 0..<3 {
                    let began = ContinuousClock.now
                    body()
                    best = min(best, (ContinuousClock.now - began) / .seconds(1))
                }
                rates[kind] = counter.work[counted ?? kind] / best
            }
            let rows = Tensor(zeros: [2048, 640]), weight = Tensor(zeros: [1280, 640]), down = Tensor(zeros: [32, 640])
            measure(.product) { _ = rows.linear(weight) }
            measure(.thinProduct) { _ = rows.linear(down) }
            let half = Tensor(uninitialized: [1280, 1280], type: .float16)
            measure(.widening, counting: .memory) { _ = half.widened() }

            func convolution(_ kind: Work.Kind, side: Int, channels: Int) {
                let zeros = Tensor(zeros: [channels, channels, 3, 3]), kernel = ConvolutionKernel(shape: zeros.shape) { zeros }
                let x = Tensor(zeros: [1, side, side, channels])
                measure(kind) { _ = x.convolution(kernel, bias: nil, padding: Padding(1)) }
            }
            convolution(.directConvolution, side: 16, channels: 1280)
            convolution(.winograd, side: 96, channels: 256)

            let q = Tensor(zeros: [1, 1024, 640]), p = Parameter(q)
            measure(.attention) { _ = scaledDotProductAttention(q, q, q, heads: 10) }
            measure(.attentionBackward) {
                scaledDotProductAttention(p.tensor, q, q, heads: 10).backward(seed: q)
                p.zeroGradient()
            }
            // Timed with its forward: 5 products after 2.
            rates[.attentionBackward] = 5 / (5 / rates[.attentionBackward]! - 2 / rates[.attention]!)

            let picture = Tensor(zeros: [1, 128, 128, 256]), scale = Tensor(zeros: [256])
            measure(.memory) { _ = picture.groupNorm(groups: 32, scale: scale, shift: scale, epsilon: 1e-5, silu: true) + picture }
            return MachineSpeed(rates: rates)
        }
    }
}
