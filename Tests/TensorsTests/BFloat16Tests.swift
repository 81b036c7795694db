import CPUDevice
import Tensors
import Testing

/// Operations in bfloat16 beside the same in float32, on the same (rounded) numbers; bfloat16 is multiplied where this processor can, and
/// widened in any case.
@Suite(.serialized) struct BFloat16Tests {
    static let multiplying = CPUDevice.processorMultipliesBFloat16 ? [true, false] : [false]

    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let shapes: [[Int]]
        let operation: @Sendable ([Tensor]) -> Tensor
    }

    private static func padded(_ n: Int, _ h: Int, _ w: Int, _ inputs: Int, _ outputs: Int, _ side: Int, _ stride: Int) -> Case {
        let kernel = { @Sendable in ConvolutionKernel(shape: [outputs, inputs, side, side]) { rounded([outputs, inputs, side, side], 10) } }
        return Case(testDescription: "convolution \(side)×\(side), \(inputs) to \(outputs), stride \(stride)", shapes: [[n, h, w, inputs]]) {
            $0[0].convolution(kernel(), bias: random([outputs], 11), stride: stride, padding: Padding((side - 1) / 2))
        }
    }

    static let cases = [
        Case(testDescription: "add", shapes: [[3, 5, 7], [3, 5, 7]]) { $0[0] + $0[1] },
        Case(testDescription: "add to itself twice", shapes: [[3, 5, 7]]) { ($0[0] + $0[0]) + $0[0] },
        Case(testDescription: "scale", shapes: [[2, 33]]) { $0[0] * -1.7 },
        Case(testDescription: "addingPerImage", shapes: [[2, 3, 1, 7]]) { $0[0].addingPerImage(random([2, 7], 1)) },
        Case(testDescription: "silu", shapes: [[5, 13]]) { $0[0].silu() },
        Case(testDescription: "geglu", shapes: [[3, 4, 22]]) { $0[0].geglu() },
        Case(testDescription: "concatenated", shapes: [[2, 3, 3, 5], [2, 3, 3, 2]]) { $0[0].concatenated($0[1]) },
        Case(testDescription: "reshaped", shapes: [[2, 3, 5]]) { $0[0].reshaped([5, 6]) },
        Case(testDescription: "group norm with silu", shapes: [[2, 3, 5, 6]]) {
            $0[0].groupNorm(groups: 3, scale: random([6], 2), shift: random([6], 3), epsilon: 1e-5, silu: true)
        },
        Case(testDescription: "layer norm", shapes: [[3, 5, 11]]) { $0[0].layerNorm(scale: random([11], 4), shift: random([11], 5), epsilon: 1e-5) },
        Case(testDescription: "linear", shapes: [[2, 3, 7]]) { $0[0].linear(rounded([5, 7], 6), bias: random([5], 7)) },
        Case(testDescription: "linear, split over the threads", shapes: [[130, 96]]) { $0[0].linear(rounded([160, 96], 6), bias: random([160], 7)) },
        Case(testDescription: "linear, wide", shapes: [[3, 512]]) { $0[0].linear(rounded([1000, 512], 6), bias: random([1000], 7)) },
        Case(testDescription: "upsampled unevenly", shapes: [[1, 3, 4, 3]]) { $0[0].upsampled(height: 5, width: 7) },
        Case(testDescription: "attention", shapes: [[2, 17, 20], [2, 77, 20], [2, 77, 20]]) { scaledDotProductAttention($0[0], $0[1], $0[2], heads: 2) },
        Case(testDescription: "checkpoint", shapes: [[2, 3, 4, 6]]) { checkpoint($0[0]) { $0.silu() + $0 } },
        padded(2, 5, 7, 4, 5, 3, 1), padded(1, 7, 9, 36, 33, 3, 2), padded(2, 6, 4, 32, 32, 3, 2), padded(1, 1, 1, 5, 2, 3, 1),
        // Small pictures of many channels, which are computed in larger ones.
        padded(2, 8, 8, 320, 480, 3, 1), padded(1, 8, 8, 320, 320, 3, 2),
    ]

    /// Numbers that bfloat16 holds exactly, as float32.
    private static func rounded(_ shape: [Int], _ seed: UInt64) -> Tensor { random(shape, seed).converted(to: .bfloat16).widened() }

    @Test(arguments: cases, multiplying) func agreesWithFloat32(_ one: Case, multiplies: Bool) throws {
        try using(CPUDevice(threads: 2, multipliesBFloat16: multiplies)) { try compare(one) }
    }

    private func compare(_ one: Case) throws {
        func run(_ type: ElementType) throws -> [Tensor] {
            let inputs = one.shapes.enumerated().map { Parameter(Self.rounded($1, UInt64(100 + $0))) }
            // The conversion is recorded, so that the gradients come back as float32.
            let y = one.operation(inputs.map { $0.tensor.converted(to: type) })
            #expect(y.type == type && y.isTracked)
            y.backward(seed: Self.rounded(y.shape, 200).converted(to: type))
            return [y.widened()] + (try inputs.map { try #require($0.gradient) })
        }
        for (i, (narrow, wide)) in zip(try run(.bfloat16), try run(.float32)).enumerated() {
            try #require(narrow.shape == wide.shape && narrow.type == .float32)
            let error = norm(narrow + wide * -1) / norm(wide)
            // Half a spacing of 8 bits is 2⁻⁹ at most; some operations round what they pass on, too.
            #expect(error < 8e-3, "\(i == 0 ? "result" : "gradient \(i - 1)"): \(error)")
        }
    }

    /// An adapter's gradients are float32 and follow float32's; its masters are not touched.
    @Test(arguments: multiplying) func adapter(multiplies: Bool) throws {
        try using(CPUDevice(threads: 2, multipliesBFloat16: multiplies)) { try compareAdapters() }
    }

    private func compareAdapters() throws {
        func run(_ type: ElementType) throws -> (y: Tensor, gradients: [Tensor]) {
            let x = Parameter(Self.rounded([3, 2, 36], 1)), weight = LinearKernel(Self.rounded([44, 36], 2))
            let low = LowRank(down: Parameter(random([5, 36], 3)), up: Parameter(random([44, 5], 4)), scale: 0.7)
            let y = x.tensor.converted(to: type).linear(weight, bias: random([44], 5), adapter: low)
            y.backward(seed: Self.rounded(y.shape, 6).converted(to: type))
            return (y.widened(), [try #require(x.gradient), try #require(low.down.gradient), try #require(low.up.gradient)])
        }
        let narrow = try run(.bfloat16), wide = try run(.float32)
        #expect(norm(narrow.y + wide.y * -1) < 8e-3 * norm(wide.y))
        for (i, (a, b)) in zip(narrow.gradients, wide.gradients).enumerated() {
            #expect(a.type == .float32)
            #expect(norm(a + b * -1) < 1e-2 * norm(b), "gradient \(i)")
            #expect(a.values != b.values, "gradient \(i) did not go through bfloat16")
        }
    }

    /// Weights are made bfloat16 once; those of a bfloat16 file are used as they are.
    @Test(arguments: multiplying) func weightsAreMadeOnce(multiplies: Bool) {
        let device = CPUDevice(threads: 2, multipliesBFloat16: multiplies)
        using(device) { countWeights(on: device) }
    }

    private func countWeights(on device: CPUDevice) {
        let x = Self.rounded([4, 64], 1).converted(to: .bfloat16), own = LinearKernel(random([64, 64], 2, as: .bfloat16)), other = LinearKernel(random([64, 64], 2))
        let before = device.liveBytes
        _ = x.linear(own)
        #expect(device.liveBytes == before)
        _ = x.linear(other)
        let once = device.liveBytes
        #expect(once - before == 64 * 64 * 2)
        _ = x.linear(other)
        #expect(device.liveBytes == once)
    }

    /// Planning counts the two kinds of arithmetic apart, and bfloat16's bytes.
    @Test func planning() {
        let planner = PlanningDevice()
        Devices.using(planner) {
            let weight = LinearKernel(Tensor(uninitialized: [32, 16]))
            let x = Tensor(uninitialized: [8, 16]), product = 2.0 * 8 * 16 * 32
            _ = x.linear(weight)
            #expect(planner.work[.thinProduct, .float32] == product && planner.work[.thinProduct, .bfloat16] == 0)
            let bytes = planner.liveBytes, narrow = x.converted(to: .bfloat16)
            #expect(planner.liveBytes - bytes == narrow.count * 2)
            let y = narrow.linear(weight), held = narrow.count + 32 * 16 + y.count
            #expect(planner.work[.thinProduct, .float32] == product && planner.work[.thinProduct, .bfloat16] == product)
            #expect(planner.liveBytes - bytes == held * 2)
        }
    }
}
