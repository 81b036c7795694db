import CPUDevice
import Tensors
import Testing

/// However many threads share an operation, every bit of its result and of its gradients is the same: a job may go on with other
/// cores than it began with.
@Suite(.serialized) struct ThreadCountTests {
    /// An operation, large enough to be split, and the shapes of its differentiable inputs.
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let shapes: [[Int]]
        let operation: @Sendable ([Parameter]) -> Tensor

        init(_ name: String, _ shapes: [Int]..., operation: @escaping @Sendable ([Parameter]) -> Tensor) {
            (testDescription, self.shapes, self.operation) = ("\(name) \(shapes)", shapes, operation)
        }

        /// The result and the gradients of all inputs, computed by so many threads.
        func values(threads: Int) throws -> [[Float]] {
            // Where the processor multiplies bfloat16 itself, its products are split by threads.
            try using(CPUDevice(threads: threads, multipliesBFloat16: false)) {
                let parameters = shapes.enumerated().map { Parameter(random($1, UInt64(100 + $0))) }
                let y = operation(parameters)
                y.backward(seed: random(y.shape, 200))
                return try [y.values] + parameters.map { try #require($0.gradient).values }
            }
        }
    }

    private static let linear = [ElementType.float32, .float16].flatMap { type in
        [(616, 192, 320), (77, 1000, 200), (2050, 36, 900)].map { rows, inputs, outputs in
            Case("linear, \(type)", [rows, inputs]) {
                $0[0].tensor.linear(random([outputs, inputs], 1, as: type), bias: random([outputs], 2))
            }
        }
    } + [
        Case("linear with an adapter", [1030, 192], [32, 192], [320, 32]) {
            $0[0].tensor.linear(random([320, 192], 1), adapter: LowRank(down: $0[1], up: $0[2], scale: 0.5))
        },
        Case("linear with a wide adapter", [300, 320], [130, 320], [192, 130]) {
            $0[0].tensor.linear(random([192, 320], 1), adapter: LowRank(down: $0[1], up: $0[2], scale: 1))
        },
    ]

    private static let attention = [(2, 200, 200, 3, 40), (1, 700, 77, 1, 64), (1, 1500, 1500, 1, 16)].map { n, q, k, heads, size in
        Case("attention, \(heads) heads", [n, q, heads * size], [n, k, heads * size], [n, k, heads * size]) {
            scaledDotProductAttention($0[0].tensor, $0[1].tensor, $0[2].tensor, heads: heads)
        }
    }

    private static let convolutions = [(2, 9, 9, 48, 40, 3, 1), (2, 18, 17, 48, 40, 3, 1), (2, 36, 33, 48, 40, 3, 1), (1, 64, 64, 3, 40, 3, 1), (2, 35, 34, 32, 36, 3, 2), (2, 33, 32, 40, 48, 1, 1)].map {
        n, h, w, inputs, outputs, side, stride in
        Case("convolution \(side)×\(side), stride \(stride), to \(outputs)", [n, h, w, inputs]) {
            let kernel = ConvolutionKernel(shape: [outputs, inputs, side, side]) { random([outputs, inputs, side, side], 1) }
            return $0[0].tensor.convolution(kernel, bias: random([outputs], 2), stride: stride, padding: Padding(side / 2))
        }
    }

    private static let rest = [
        Case("group norm", [2, 40, 39, 64]) {
            $0[0].tensor.groupNorm(groups: 8, scale: random([64], 1), shift: random([64], 2), epsilon: 1e-5, silu: true)
        },
        Case("layer norm", [2, 400, 100]) { $0[0].tensor.layerNorm(scale: random([100], 1), shift: random([100], 2), epsilon: 1e-5) },
        Case("geglu", [2, 400, 200]) { $0[0].tensor.geglu() },
        Case("silu", [2, 400, 201]) { $0[0].tensor.silu() },
        Case("add", [2, 400, 201], [2, 400, 201]) { $0[0].tensor + $0[1].tensor },
        Case("scale", [2, 400, 201]) { $0[0].tensor * 0.3 },
        Case("upsampled", [2, 40, 39, 33]) { $0[0].tensor.upsampled(height: 80, width: 78) },
    ]

    private static let narrow = [
        Case("bfloat16 linear with an adapter", [1030, 192], [32, 192], [320, 32]) {
            $0[0].tensor.converted(to: .bfloat16).linear(random([320, 192], 1), adapter: LowRank(down: $0[1], up: $0[2], scale: 0.5)).widened()
        },
        Case("bfloat16 attention", [2, 200, 120], [2, 77, 120], [2, 77, 120]) {
            let inputs = $0.map { $0.tensor.converted(to: .bfloat16) }
            return scaledDotProductAttention(inputs[0], inputs[1], inputs[2], heads: 3).widened()
        },
        Case("bfloat16 convolution", [2, 18, 17, 48]) {
            let kernel = ConvolutionKernel(shape: [40, 48, 3, 3]) { random([40, 48, 3, 3], 1) }
            return $0[0].tensor.converted(to: .bfloat16).convolution(kernel, bias: random([40], 2), padding: Padding(1)).widened()
        },
    ]

    @Test(arguments: linear + attention + convolutions + rest + narrow) func changesNoBit(_ one: Case) throws {
        let expected = try one.values(threads: 1)
        for threads in [2, 3, 7] {
            let found = try one.values(threads: threads)
            let same = zip(found, expected).map { $0.elementsEqual($1) { $0.bitPattern == $1.bitPattern } }
            #expect(same.allSatisfy { $0 }, "\(threads) threads: result and gradients \(same)")
        }
    }
}
