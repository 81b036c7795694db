/// What computes. One operation of the engine per requirement; results are written into tensors that the caller
/// has made. Everything is contiguous. Activations and their gradients are float32 or bfloat16, all of one call of one type;
/// biases, scales, shifts, statistics, losses and what is trained are float32.
///
/// Nothing above this protocol knows which device it runs on.
public protocol Device: AnyObject {
    // Memory
    func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer
    func free(_ pointer: UnsafeMutableRawPointer, _ byteCount: Int)
    /// Bytes in use now, and the most there have been.
    var liveBytes: Int { get }
    var peakBytes: Int { get }

    /// Whether bfloat16 numbers are multiplied as they are. If not, operations over them compute with their float32 twins and round
    /// the result, which is as exact, needs room for the twins meanwhile, and is not faster than float32.
    var multipliesBFloat16: Bool { get }

    // Matrices. c = alpha·op(a)·op(b) + beta·c + bias for every row; c is [m, n], op(a) [m, k], op(b) [k, n]. Where a is
    // float32, b may be of a half type; where a is bfloat16, b is, alpha is 1 and beta 0 or 1, and c is either.
    func multiply(
        _ c: Tensor, _ a: Tensor, transposed aT: Bool, _ b: Tensor, transposed bT: Bool, bias: Tensor?,
        m: Int, n: Int, k: Int, alpha: Float, beta: Float)
    /// y[r, c] = x[r, c] + bias[c]; `x` may be `y`.
    func addRow(_ y: Tensor, _ x: Tensor, _ bias: Tensor, rows: Int, width: Int)
    /// Rows `ids` of a table [count, width] of any type, widened.
    func gatherRows(_ y: Tensor, _ table: Tensor, ids: [Int], width: Int)
    /// y = factor·x between types; the factor is 1 unless x is float32 and y bfloat16.
    func convert(_ y: Tensor, _ x: Tensor, by factor: Float)

    // Element-wise
    func add(_ y: Tensor, _ a: Tensor, _ b: Tensor)
    func scale(_ y: Tensor, _ x: Tensor, by factor: Float)
    func silu(_ y: Tensor, _ x: Tensor)
    func siluBackward(_ dx: Tensor, _ dy: Tensor, _ x: Tensor)
    func gelu(_ y: Tensor, _ x: Tensor)
    func quickGELU(_ y: Tensor, _ x: Tensor)
    func geglu(_ y: Tensor, _ x: Tensor, rows: Int, width: Int)
    func gegluBackward(_ dx: Tensor, _ dy: Tensor, _ x: Tensor, rows: Int, width: Int)

    // Norms
    func layerNorm(
        _ y: Tensor, _ mean: Tensor, _ rstd: Tensor, _ x: Tensor, _ scale: Tensor, _ shift: Tensor,
        rows: Int, width: Int, epsilon: Float)
    func layerNormBackward(
        _ dx: Tensor, _ dy: Tensor, _ x: Tensor, _ scale: Tensor, _ mean: Tensor, _ rstd: Tensor, rows: Int, width: Int)
    func groupNorm(_ y: Tensor, _ mean: Tensor, _ rstd: Tensor, _ x: Tensor, _ norm: GroupNormShape, _ scale: Tensor, _ shift: Tensor)
    func groupNormBackward(
        _ dx: Tensor, _ dy: Tensor, _ x: Tensor, _ norm: GroupNormShape, _ scale: Tensor, _ shift: Tensor, _ mean: Tensor, _ rstd: Tensor)

    // Attention
    func attention(_ o: Tensor, _ lse: Tensor, _ q: Tensor, _ k: Tensor, _ v: Tensor, _ shape: AttentionShape)
    func attentionBackward(
        _ dq: Tensor, _ dk: Tensor, _ dv: Tensor, _ dO: Tensor, _ o: Tensor, _ lse: Tensor,
        _ q: Tensor, _ k: Tensor, _ v: Tensor, _ shape: AttentionShape)

    // Convolution
    /// A weight `[out, in, kh, kw]` of any type (bfloat16 for the form of this name), relaid for convolutions of `shape`'s channels
    /// and the given form; turned, for the pullback whose shape `shape` is.
    func packedKernel(_ weight: Tensor, _ shape: ConvolutionShape, _ form: ConvolutionForm, turned: Bool) -> Tensor
    /// `packed` is relaid for `shape.form(of: x.type, on: self)`.
    func convolution(_ y: Tensor, _ x: Tensor, _ packed: Tensor, _ bias: Tensor?, _ shape: ConvolutionShape)

    // Shape
    func upsample(_ y: Tensor, _ x: Tensor)
    func upsampleBackward(_ dx: Tensor, _ dy: Tensor)
    /// Copies `count` columns of each row: y[r, yFrom + i] = x[r, xFrom + i].
    func copyColumns(_ y: Tensor, yWidth: Int, yFrom: Int, _ x: Tensor, xWidth: Int, xFrom: Int, count: Int, rows: Int)
    /// [n, rows, columns] → [n, columns, rows]
    func transpose(_ y: Tensor, _ x: Tensor, n: Int, rows: Int, columns: Int)

    // Losses and the optimizer
    /// Per image: Σ (p − t)²·mask, with one mask value per pixel.
    func squaredError(_ prediction: Tensor, _ target: Tensor, _ mask: Tensor) -> [Double]
    /// d = 2·factor[image]·(p − t)·mask
    func squaredErrorGradient(_ d: Tensor, _ prediction: Tensor, _ target: Tensor, _ mask: Tensor, factors: [Float])
    func sumOfSquares(_ x: Tensor) -> Double
    func adamW(_ p: Tensor, _ m: Tensor, _ v: Tensor, _ gradient: Tensor, gradientScale: Float, _ step: AdamWStep)

    // Encoders of pictures: forward only
    /// y[r, c] = x[r, c]·scale[c]
    func scaleColumns(_ y: Tensor, _ x: Tensor, by scale: Tensor, rows: Int, width: Int)
    /// x is [rows, 2·width], gate half first: y = silu(gate)·value.
    func swiglu(_ y: Tensor, _ x: Tensor, rows: Int, width: Int)
    func relu(_ y: Tensor, _ x: Tensor)
    func sigmoid(_ y: Tensor, _ x: Tensor)
    /// The products of each query with the tables of its row and column: terms is [batch·heads, height + width, tokens].
    func relativeTerms(_ terms: Tensor, _ qkv: Tensor, rowTable: Tensor, columnTable: Tensor, _ shape: SelfAttentionShape)
    /// softmax(scale·q·kᵀ + bias)·v; `bias` is `relativeTerms`' result, or a table [heads, keys, queries], or nil.
    func selfAttention(_ o: Tensor, _ qkv: Tensor, bias: Tensor?, _ shape: SelfAttentionShape)
    /// `weight` is [kh, kw, channels]; the shape's channels are equal and its `inStep` is 1.
    func depthwiseConvolution(_ y: Tensor, _ x: Tensor, _ weight: Tensor, _ bias: Tensor?, _ shape: ConvolutionShape)
    /// [N, H, W, C] to any size.
    func resizeBilinear(_ y: Tensor, _ x: Tensor)
    /// [N, H, W, C] → [N·windows, size², C] and back; `fill` [C] stands where windows hang over the edge.
    func gatherWindows(_ y: Tensor, _ x: Tensor, fill: Tensor, size: Int)
    func scatterWindows(_ y: Tensor, _ x: Tensor, size: Int)
    /// y[n, 2i + u, 2j + v] = x[n, i, j, u, v]: [N, H, W, 2, 2, C] → [N, 2H, 2W, C]
    func spreadPixels(_ y: Tensor, _ x: Tensor)

    // U-shaped networks: forward only
    /// The largest of 2×2 pixels; at an odd side the last ones are of fewer.
    func maxPool(_ y: Tensor, _ x: Tensor)
    /// [N, H, W, C] → [step²·N, ⌈H/step⌉, ⌈W/step⌉, C], zeros where a phase has fewer pixels; and back.
    func splitPhases(_ y: Tensor, _ x: Tensor, step: Int)
    func joinPhases(_ y: Tensor, _ x: Tensor, step: Int)
}

/// The device that new tensors are made on. An executable or a test sets it once, before its first tensor.
public enum Devices {
    nonisolated(unsafe) public private(set) static var installed: (any Device)?

    public static func use(_ device: any Device) { installed = device }

    public static var current: any Device {
        guard let installed else { preconditionFailure("Devices.use(_:) comes before the first tensor") }
        return installed
    }
}

public struct GroupNormShape: Sendable {
    public let batch, pixels, channels, groups: Int
    public let epsilon: Float
    /// Whether SiLU follows in the same pass.
    public let silu: Bool
}

/// q and o are [batch, queries, heads·headSize], k and v [batch, keys, heads·headSize].
public struct AttentionShape: Sendable {
    public let batch, heads, headSize, queries, keys: Int
    public let scale: Float
    public let causal: Bool
}

public struct ConvolutionShape: Sendable {
    public var batch, inHeight, inWidth, inChannels: Int
    public var outHeight, outWidth, outChannels: Int
    public var kernelHeight, kernelWidth: Int
    public var stride: Int
    /// 2: a zero stands between any two pixels of the input (the pullback of stride 2).
    public var inStep: Int
    public var padTop, padLeft: Int
}

/// PyTorch's AdamW for one step; `bias1` and `bias2` are 1 − βᵗ.
public struct AdamWStep: Sendable {
    public var learningRate, beta1, beta2, epsilon, weightDecay: Double
    public var bias1, bias2: Double

    public init(learningRate: Double, beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double, step: Int) {
        (self.learningRate, self.beta1, self.beta2, self.epsilon, self.weightDecay) = (learningRate, beta1, beta2, epsilon, weightDecay)
        var b1 = 1.0, b2 = 1.0
        for _ in 0..<step { b1 *= beta1; b2 *= beta2 }
        (bias1, bias2) = (1 - b1, 1 - b2)
    }
}

extension Devices {
    /// Runs `body` with another device in place of the current one. Tensors made inside stay on theirs.
    public static func using<Result>(_ device: any Device, _ body: () throws -> Result) rethrows -> Result {
        let before = installed
        installed = device
        defer { installed = before }
        return try body()
    }
}
