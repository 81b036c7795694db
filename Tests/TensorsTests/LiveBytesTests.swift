import Tensors
import Testing

/// What a pullback keeps in memory until the backward pass is what its documentation says; afterwards nothing is kept.
@Suite(.serialized) struct LiveBytesTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let name: String
        let shape: [Int]
        /// Shapes of what is kept beside the result.
        let kept: [[Int]]
        let operation: @Sendable (Tensor) -> Tensor

        var testDescription: String { name }

        init(_ name: String, _ shape: [Int], keeps kept: [[Int]], operation: @escaping @Sendable (Tensor) -> Tensor) {
            (self.name, self.shape, self.kept, self.operation) = (name, shape, kept, operation)
        }
    }

    /// Made once, so that they are no part of any measurement.
    nonisolated(unsafe) static let constants = (
        scale: random([12], 1), shift: random([12], 2), weight: random([20, 12], 3), keys: random([2, 5, 12], 4),
        adapter: LowRank(down: Parameter(random([3, 12], 5)), up: Parameter(random([20, 3], 6)), scale: 1),
        kernel: ConvolutionKernel(shape: [8, 12, 3, 3]) { random([8, 12, 3, 3], 7) })

    static let cases: [Case] = [
        Case("add", [2, 35, 12], keeps: []) { $0 + $0 },
        Case("scale", [2, 35, 12], keeps: []) { $0 * 2 },
        Case("silu: x", [2, 35, 12], keeps: [[2, 35, 12]]) { $0.silu() },
        Case("geglu: x", [2, 35, 12], keeps: [[2, 35, 12]]) { $0.geglu() },
        Case("layerNorm: x, mean, rstd", [2, 35, 12], keeps: [[2, 35, 12], [70], [70]]) {
            $0.layerNorm(scale: constants.scale, shift: constants.shift, epsilon: 1e-5)
        },
        Case("groupNorm: x, mean, rstd", [2, 5, 7, 12], keeps: [[2, 5, 7, 12], [2, 4], [2, 4]]) {
            $0.groupNorm(groups: 4, scale: constants.scale, shift: constants.shift, epsilon: 1e-5, silu: true)
        },
        Case("frozen linear: nothing", [2, 35, 12], keeps: []) { $0.linear(constants.weight) },
        Case("linear with adapter: x, h", [2, 35, 12], keeps: [[2, 35, 12], [70, 3]]) { $0.linear(constants.weight, adapter: constants.adapter) },
        Case("attention: q, log-sum-exp", [2, 35, 12], keeps: [[2, 35, 12], [2, 3, 35]]) {
            scaledDotProductAttention($0, constants.keys, constants.keys, heads: 3)
        },
        Case("frozen convolution: nothing", [2, 5, 7, 12], keeps: []) { $0.convolution(constants.kernel, bias: nil, padding: Padding(1)) },
        Case("upsampled: nothing", [2, 5, 7, 12], keeps: []) { $0.upsampled(height: 10, width: 14) },
        Case("concatenated: nothing", [2, 35, 12], keeps: []) { $0.concatenated($0) },
        Case("checkpoint: the input", [2, 35, 12], keeps: [[2, 35, 12]]) {
            checkpoint($0) { $0.linear(constants.weight, adapter: constants.adapter).geglu().silu() }
        },
    ]

    /// As the arena counts small tensors.
    private func bytes(_ shape: [Int]) -> Int { max(64, (shape.reduce(4, *) + 63) / 64 * 64) }

    @Test(arguments: cases) func keeps(_ one: Case) {
        _ = device
        let p = Parameter(random(one.shape, 8))
        // Once, for what is made at first use: packed kernels.
        do {
            let y = one.operation(p.tensor * 1)
            y.backward(seed: random(y.shape, 9))
        }
        p.zeroGradient()
        Self.constants.adapter.down.zeroGradient()
        Self.constants.adapter.up.zeroGradient()

        let before = device.liveBytes
        var y: Tensor? = one.operation(p.tensor * 1)
        let shape = y!.shape
        #expect(device.liveBytes - before == bytes(shape) + one.kept.map(bytes).reduce(0, +))
        y = y!.detached
        #expect(device.liveBytes - before == bytes(shape), "a result off the tape keeps only itself")

        y = one.operation(p.tensor * 1)
        do {
            let seed = random(shape, 9)
            y!.backward(seed: seed)
        }
        p.zeroGradient()
        Self.constants.adapter.down.zeroGradient()
        Self.constants.adapter.up.zeroGradient()
        #expect(device.liveBytes - before == bytes(shape), "after the backward pass")
        y = nil
        #expect(device.liveBytes == before)
    }

    /// The same without a parameter: nothing is kept at all.
    @Test(arguments: cases.filter { !$0.name.contains("adapter") && !$0.name.contains("checkpoint") }) func untracked(_ one: Case) {
        let x = random(one.shape, 8)
        _ = one.operation(x)
        let before = device.liveBytes
        let y = one.operation(x)
        #expect(device.liveBytes - before == bytes(y.shape))
    }

    /// A relaid convolution weight stays, unless it is large and of Winograd's form; then the next use gives the same again.
    @Test(arguments: [(15, 513, true), (16, 512, true), (16, 513, false)]) func relaidKernels(side: Int, outputs: Int, stays: Bool) {
        let weight = random([outputs, 512, 3, 3], 3), x = random([1, side, side, 512], 4)
        let kernel = ConvolutionKernel(shape: weight.shape) { weight }
        let before = device.liveBytes
        let first = x.convolution(kernel, bias: nil, padding: Padding(1)).values
        #expect((device.liveBytes > before) == stays)
        #expect(x.convolution(kernel, bias: nil, padding: Padding(1)).values == first)
    }

    @Test func peakFollowsLive() {
        _ = device
        device.resetPeak()
        let before = device.liveBytes
        #expect(device.peakBytes == before)
        do { _ = Tensor(zeros: [1000, 100]) }
        #expect(device.peakBytes == before + 98 * 4096 && device.liveBytes == before)
        device.resetPeak()
        #expect(device.peakBytes == before)
    }
}
