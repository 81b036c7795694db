import Tensors

/// One row of the table: an operation at one size.
struct Case {
    let name: String
    /// Floating-point operations, a multiply-add as two; 0 where memory is what counts.
    let operations: Double
    /// Bytes read and written at least; 0 where arithmetic is what counts.
    let bytes: Double
    /// What is computed in.
    var type = ElementType.float32
    /// Makes the inputs; what it returns runs the operation once.
    let make: () -> () -> Void
}

enum Cases {
    static var all: [Case] {
        [
            linear(rows: 4096, inputs: 1280, outputs: 1280),
            linear(rows: 2048, inputs: 160, outputs: 160),
            linear(rows: 512, inputs: 320, outputs: 2560),
            adaptedLinear(rows: 512, width: 320, rank: 32),
            convolution(batch: 2, side: 64, inputs: 640, outputs: 640),
            convolution(batch: 2, side: 64, inputs: 80, outputs: 80),
            convolution(batch: 2, side: 16, inputs: 320, outputs: 320),
            convolution(batch: 2, side: 512, inputs: 64, outputs: 64),
            convolution(batch: 2, side: 64, inputs: 80, outputs: 80, backward: true),
            attention(batch: 1, tokens: 4096, heads: 10, size: 64),
            attention(batch: 1, tokens: 1024, heads: 20, size: 64),
            attention(batch: 2, tokens: 1024, heads: 10, size: 16),
            attention(batch: 2, tokens: 256, heads: 20, size: 16),
            attention(batch: 2, tokens: 1024, heads: 10, size: 16, backward: true),
            groupNorm(batch: 2, side: 64, channels: 320),
            groupNorm(batch: 2, side: 512, channels: 64),
            layerNorm(rows: 2048, width: 640),
            geglu(rows: 2048, width: 2560),
        ]
    }

    /// Of the real SDXL, in bfloat16.
    static var bfloat16: [Case] {
        [
            linear(rows: 512, inputs: 1280, outputs: 1280, type: .bfloat16),
            linear(rows: 512, inputs: 1280, outputs: 10240, type: .bfloat16),
            linear(rows: 512, inputs: 5120, outputs: 1280, type: .bfloat16),
            linear(rows: 2048, inputs: 640, outputs: 640, type: .bfloat16),
            linear(rows: 154, inputs: 2048, outputs: 1280, type: .bfloat16),
            convolution(batch: 2, side: 64, inputs: 320, outputs: 320, type: .bfloat16),
            convolution(batch: 2, side: 32, inputs: 640, outputs: 640, type: .bfloat16),
            convolution(batch: 2, side: 16, inputs: 1280, outputs: 1280, backward: true, type: .bfloat16),
            attention(batch: 1, tokens: 4096, heads: 10, size: 64, type: .bfloat16),
            attention(batch: 2, tokens: 1024, heads: 10, size: 64, backward: true, type: .bfloat16),
            attention(batch: 2, tokens: 256, heads: 20, size: 64, backward: true, type: .bfloat16),
        ]
    }

    private static func numbers(_ shape: [Int], _ type: ElementType = .float32) -> Tensor {
        var stream = RandomStream(seed: 1, purpose: .noise, step: 0, index: 0)
        return Tensor(stream.normals(shape.reduce(1, *)), shape: shape).converted(to: type)
    }

    private static func suffix(_ type: ElementType) -> String { type == .bfloat16 ? ", bf16" : "" }

    private static func linear(rows: Int, inputs: Int, outputs: Int, type: ElementType = .float32) -> Case {
        Case(
            name: "linear \(rows)×\(inputs)×\(outputs)" + suffix(type), operations: 2 * Double(rows * inputs * outputs), bytes: 0, type: type
        ) {
            let x = numbers([rows, inputs], type), weight = LinearKernel(numbers([outputs, inputs], type))
            return { _ = x.linear(weight) }
        }
    }

    /// Forward and backward, x tracked: the frozen product twice, and the adapter's two products three times.
    private static func adaptedLinear(rows: Int, width: Int, rank: Int) -> Case {
        let operations = 2 * Double(rows * width) * Double(2 * width + 6 * rank)
        return Case(name: "linear + LoRA \(rows)×\(width)×\(width), rank \(rank), both ways", operations: operations, bytes: 0) {
            let x = Parameter(numbers([rows, width])), weight = LinearKernel(numbers([width, width])), dy = numbers([rows, width])
            let adapter = LowRank(down: Parameter(numbers([rank, width])), up: Parameter(numbers([width, rank])), scale: 1)
            return {
                x.tensor.linear(weight, adapter: adapter).backward(seed: dy)
                for parameter in [x, adapter.down, adapter.up] { parameter.zeroGradient() }
            }
        }
    }

    private static func convolution(batch: Int, side: Int, inputs: Int, outputs: Int, backward: Bool = false, type: ElementType = .float32) -> Case {
        let once = 2 * Double(batch * side * side * inputs * outputs * 9)
        return Case(
            name: "convolution \(batch)×\(side)²×\(inputs)→\(outputs)" + (backward ? ", both ways" : "") + suffix(type),
            operations: once * (backward ? 2 : 1), bytes: 0, type: type
        ) {
            let x = Parameter(numbers([batch, side, side, inputs], type)), weight = numbers([outputs, inputs, 3, 3])
            let kernel = ConvolutionKernel(shape: weight.shape) { weight }
            guard backward else { return { _ = x.value.convolution(kernel, bias: nil, padding: Padding(1)) } }
            let dy = numbers([batch, side, side, outputs], type)
            return {
                x.tensor.convolution(kernel, bias: nil, padding: Padding(1)).backward(seed: dy)
                x.zeroGradient()
            }
        }
    }

    /// Forward: two products per head. Backward: five more (the scores are computed again).
    private static func attention(batch: Int, tokens: Int, heads: Int, size: Int, backward: Bool = false, type: ElementType = .float32) -> Case {
        let product = 2 * Double(batch * heads * tokens) * Double(tokens * size)
        return Case(
            name: "attention \(batch)×\(tokens), \(heads) heads of \(size)" + (backward ? ", both ways" : "") + suffix(type),
            operations: product * (backward ? 7 : 2), bytes: 0, type: type
        ) {
            let inputs = (0..<3).map { _ in Parameter(numbers([batch, tokens, heads * size], type)) }
            guard backward else {
                return { _ = scaledDotProductAttention(inputs[0].value, inputs[1].value, inputs[2].value, heads: heads) }
            }
            let dO = numbers([batch, tokens, heads * size], type)
            return {
                scaledDotProductAttention(inputs[0].tensor, inputs[1].tensor, inputs[2].tensor, heads: heads).backward(seed: dO)
                inputs.forEach { $0.zeroGradient() }
            }
        }
    }

    /// With SiLU, as before every convolution of a residual block. Two readings and one writing.
    private static func groupNorm(batch: Int, side: Int, channels: Int) -> Case {
        Case(name: "group norm + SiLU \(batch)×\(side)²×\(channels)", operations: 0, bytes: 12 * Double(batch * side * side * channels)) {
            let x = numbers([batch, side, side, channels]), scale = numbers([channels]), shift = numbers([channels])
            return { _ = x.groupNorm(groups: 16, scale: scale, shift: shift, epsilon: 1e-5, silu: true) }
        }
    }

    private static func layerNorm(rows: Int, width: Int) -> Case {
        Case(name: "layer norm \(rows)×\(width)", operations: 0, bytes: 8 * Double(rows * width)) {
            let x = numbers([rows, width]), scale = numbers([width]), shift = numbers([width])
            return { _ = x.layerNorm(scale: scale, shift: shift, epsilon: 1e-5) }
        }
    }

    /// From [rows, 2·width] to [rows, width].
    private static func geglu(rows: Int, width: Int) -> Case {
        Case(name: "GEGLU \(rows)×\(width)", operations: 0, bytes: 12 * Double(rows * width)) {
            let x = numbers([rows, 2 * width])
            return { _ = x.geglu() }
        }
    }
}
