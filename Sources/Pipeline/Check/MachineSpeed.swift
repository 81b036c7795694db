import CPUDevice
import Jobs
import Tensors

/// What a machine does in a second of each kind of work.
public struct MachineSpeed: Sendable {
    public private(set) var rates: Work.Rates

    /// Rates in about the right proportions, where only the order of costs counts.
    public static let typical = MachineSpeed(rates: [
        .init(.product): 190e9, .init(.thinProduct): 90e9, .init(.convolution): 170e9, .init(.winograd): 150e9,
        .init(.attention): 150e9, .init(.attentionBackward): 150e9, .init(.widening): 20e9, .init(.memory): 15e9,
        .init(.product, .bfloat16): 380e9, .init(.thinProduct, .bfloat16): 120e9, .init(.convolution, .bfloat16): 350e9,
        .init(.attention, .bfloat16): 250e9, .init(.attentionBackward, .bfloat16): 250e9,
    ])

    /// What `measured(_:)` gives for the precision of a job.
    public static func measured(for job: Job) -> MachineSpeed { measured(job.specification.mixedPrecision.elementType) }

    /// This machine's, measured with the engine's own kernels on shapes as SDXL's, in about a second.
    /// - Parameter type: that of the UNet's activations; the VAE's are float32.
    public static func measured(_ type: ElementType) -> MachineSpeed {
        Devices.using(CPUDevice()) {
            var speed = MachineSpeed(rates: [:])
            for each in Set([.float32, type]) { speed.measure(each) }
            return speed
        }
    }

    /// The best of a few runs, after one that fetches the memory and relays weights.
    private mutating func measure(_ kind: Work.Kind, _ type: ElementType, counting counted: Work.Kind? = nil, _ body: () -> Void) {
        body()
        let counter = PlanningDevice()
        Devices.using(counter, body)
        var best = Double.infinity
        for _ in 0..<3 {
            let began = ContinuousClock.now
            body()
            best = min(best, (ContinuousClock.now - began) / .seconds(1))
        }
        rates[.init(kind, type)] = counter.work[counted ?? kind, counted == nil ? type : .float32] / best
    }

    private mutating func measure(_ type: ElementType) {
        func tensor(_ shape: [Int]) -> Tensor { Tensor(zeros: shape).converted(to: type) }
        let rows = tensor([2048, 640]), weight = LinearKernel(tensor([1280, 640])), down = LinearKernel(tensor([32, 640]))
        measure(.product, type) { _ = rows.linear(weight) }
        measure(.thinProduct, type) { _ = rows.linear(down) }

        let q = tensor([4, 1024, 640]), p = Parameter(Tensor(zeros: [4, 1024, 640]))
        measure(.attention, type) { _ = scaledDotProductAttention(q, q, q, heads: 10) }
        measure(.attentionBackward, type) {
            scaledDotProductAttention(p.tensor.converted(to: type), q, q, heads: 10).backward(seed: q)
            p.zeroGradient()
        }
        // Timed with its forward: 5 products after 2.
        let forward = rates[.init(.attention, type)]!, both = rates[.init(.attentionBackward, type)]!
        rates[.init(.attentionBackward, type)] = 5 / max(5 / both - 2 / forward, 1 / both)

        // Just too small for Winograd's form, which products of bfloat16 do not have.
        let hasWinograd = type == .float32 || !Devices.current.multipliesBFloat16
        convolve(.convolution, type, side: hasWinograd ? 15 : 64, channels: hasWinograd ? 1280 : 640)
        guard type == .float32 else { return }
        convolve(.winograd, type, side: 96, channels: 256)
        let half = Tensor(uninitialized: [1280, 1280], type: .float16)
        measure(.widening, type, counting: .memory) { _ = half.widened() }
        let picture = Tensor(zeros: [1, 128, 128, 256]), scale = Tensor(zeros: [256])
        measure(.memory, type) { _ = picture.groupNorm(groups: 32, scale: scale, shift: scale, epsilon: 1e-5, silu: true) + picture }
    }

    private mutating func convolve(_ kind: Work.Kind, _ type: ElementType, side: Int, channels: Int) {
        let zeros = Tensor(zeros: [channels, channels, 3, 3]), kernel = ConvolutionKernel(shape: zeros.shape) { zeros }
        let x = Tensor(zeros: [1, side, side, channels]).converted(to: type)
        measure(kind, type) { _ = x.convolution(kernel, bias: nil, padding: Padding(1)) }
    }
}
