import Tensors
import Testing

/// One row of the table: an operation with a pullback, and the shapes of its differentiable inputs.
struct PullbackCase: CustomTestStringConvertible, Sendable {
    let name: String
    let shapes: [[Int]]
    let operation: @Sendable ([Tensor]) -> Tensor

    init(_ name: String, _ shapes: [Int]..., operation: @escaping @Sendable ([Tensor]) -> Tensor) {
        (self.name, self.shapes, self.operation) = (name, shapes, operation)
    }

    var testDescription: String { "\(name) \(shapes)" }

    static let all: [PullbackCase] = elementWise + norms + linear + attention + images

    private static let elementWise: [PullbackCase] = [
        PullbackCase("add", [3, 5, 7], [3, 5, 7]) { $0[0] + $0[1] },
        PullbackCase("add to itself", [2, 9]) { $0[0] + $0[0] },
        PullbackCase("scale", [1, 33]) { $0[0] * -1.7 },
        PullbackCase("reshaped", [2, 3, 5]) { $0[0].reshaped([5, 6]) },
        PullbackCase("addingPerImage", [2, 3, 1, 7]) { $0[0].addingPerImage(random([2, 7], 1)) },
        PullbackCase("silu", [5, 13]) { $0[0].silu() },
        PullbackCase("silu", [1]) { $0[0].silu() },
        PullbackCase("geglu", [3, 4, 22]) { $0[0].geglu() },
        PullbackCase("geglu", [1, 2]) { $0[0].geglu() },
        PullbackCase("concatenated", [2, 3, 3, 5], [2, 3, 3, 2]) { $0[0].concatenated($0[1]) },
        PullbackCase("concatenated", [7, 1], [7, 19]) { $0[0].concatenated($0[1]) },
    ]

    private static let norms: [PullbackCase] = [(2, 3, 5, 6, 3), (1, 1, 2, 10, 5), (2, 4, 4, 7, 1), (1, 9, 5, 32, 16)].flatMap { n, h, w, c, groups in
        [false, true].map { silu in
            PullbackCase("groupNorm \(groups)\(silu ? " + silu" : "")", [n, h, w, c]) {
                $0[0].groupNorm(groups: groups, scale: random([c], 2), shift: random([c], 3), epsilon: 1e-5, silu: silu)
            }
        }
    } + [
        PullbackCase("groupNorm of a sequence", [2, 7, 12]) { $0[0].groupNorm(groups: 4, scale: random([12], 2), shift: random([12], 3), epsilon: 1e-6) },
        PullbackCase("layerNorm", [3, 5, 11]) { $0[0].layerNorm(scale: random([11], 4), shift: random([11], 5), epsilon: 1e-5) },
        PullbackCase("layerNorm", [1, 2]) { $0[0].layerNorm(scale: random([2], 4), shift: random([2], 5), epsilon: 1e-1) },
        PullbackCase("layerNorm", [2, 80]) { $0[0].layerNorm(scale: random([80], 4), shift: random([80], 5), epsilon: 1e-5) },
    ]

    private static let linear: [PullbackCase] = ElementType.allCases.flatMap { type in
        [
            PullbackCase("linear \(type)", [2, 3, 7]) { $0[0].linear(random([5, 7], 6, as: type), bias: random([5], 7)) },
            PullbackCase("linear \(type) with adapter", [3, 2, 9], [2, 9], [13, 2]) {
                $0[0].linear(random([13, 9], 6, as: type), bias: random([13], 7), adapter: LowRank(down: parameter($0[1]), up: parameter($0[2]), scale: 0.7))
            },
        ]
    } + [
        PullbackCase("linear, one by one", [1, 1]) { $0[0].linear(random([1, 1], 6)) },
        PullbackCase("linear, adapter only", [1, 6], [4, 1]) {
            random([5, 6], 8).linear(random([4, 6], 9), adapter: LowRank(down: parameter($0[0]), up: parameter($0[1]), scale: 2))
        },
        PullbackCase("linear twice through one adapter", [5, 7], [3, 7], [7, 3]) {
            let adapter = LowRank(down: parameter($0[1]), up: parameter($0[2]), scale: 0.5), weight = random([7, 7], 6)
            return $0[0].linear(weight, adapter: adapter).silu().linear(weight, adapter: adapter)
        },
    ]

    private static let attention: [PullbackCase] = [(2, 5, 7, 3, 4), (1, 1, 1, 1, 1), (1, 17, 77, 2, 5), (2, 33, 33, 1, 8), (1, 130, 3, 2, 10)].map { n, q, k, heads, size in
        PullbackCase("attention, \(heads) heads", [n, q, heads * size], [n, k, heads * size], [n, k, heads * size]) {
            scaledDotProductAttention($0[0], $0[1], $0[2], heads: heads)
        }
    } + [
        PullbackCase("attention to itself", [2, 6, 8]) { scaledDotProductAttention($0[0], $0[0], $0[0], heads: 2) },
        PullbackCase("attention, only the keys", [1, 9, 6]) { scaledDotProductAttention(random([1, 4, 6], 1), $0[0], random([1, 9, 6], 2), heads: 3) },
    ]

    private static let images: [PullbackCase] = [
        (1, 5, 7, 3, 4, 3, 1, Padding(1)), (2, 6, 4, 2, 5, 3, 2, Padding(1)), (1, 7, 9, 3, 2, 3, 2, Padding(top: 0, left: 0, bottom: 1, right: 1)),
        (2, 3, 5, 6, 1, 1, 1, Padding(0)), (1, 4, 4, 4, 33, 3, 1, Padding(1)), (1, 1, 1, 5, 2, 3, 1, Padding(1)), (1, 8, 6, 4, 3, 3, 2, Padding(top: 0, left: 0, bottom: 1, right: 1)),
    ].map { n, h, w, inputs, outputs, side, stride, padding in
        PullbackCase("convolution \(side)×\(side), \(inputs) to \(outputs), stride \(stride), bottom \(padding.bottom), top \(padding.top)", [n, h, w, inputs]) {
            let kernel = ConvolutionKernel(shape: [outputs, inputs, side, side]) { random([outputs, inputs, side, side], 10) }
            return $0[0].convolution(kernel, bias: random([outputs], 11), stride: stride, padding: padding)
        }
    } + [
        PullbackCase("upsampled twice", [2, 3, 5, 4]) { $0[0].upsampled(height: 6, width: 10) },
        PullbackCase("upsampled unevenly", [1, 3, 4, 3]) { $0[0].upsampled(height: 5, width: 7) },
        PullbackCase("upsampled to its own size", [1, 2, 3, 1]) { $0[0].upsampled(height: 2, width: 3) },
        PullbackCase("checkpoint", [2, 3, 4, 6]) {
            checkpoint($0[0]) { $0.groupNorm(groups: 2, scale: random([6], 2), shift: random([6], 3), epsilon: 1e-5).silu() + $0 }
        },
    ]

    /// The parameter behind an input of a case. `LowRank` takes parameters where other operations take tensors.
    private static func parameter(_ tensor: Tensor) -> Parameter {
        guard let known = PullbackTests.parameters.first(where: { $0.value.storage === tensor.storage }) else {
            preconditionFailure("an adapter's matrices are inputs of the case")
        }
        return known
    }
}
