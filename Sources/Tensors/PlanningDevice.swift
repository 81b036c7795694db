import Foundation
import Synchronization

/// A device that computes nothing: it counts what a computation would cost. Run a training step on it and it knows the
/// operations, the bytes they move, and the most memory that tensors hold at once, exactly as the real step allocates them.
///
/// Memory is address space that is never touched, except where the engine's own code writes small tables.
public final class PlanningDevice: Device {
    /// What has been asked for so far.
    public private(set) var work = Work()
    private let memory = Mutex((live: 0, peak: 0))

    public let multipliesBFloat16: Bool

    /// - Parameter device: whose work is planned.
    public init(for device: any Device = Devices.current) { multipliesBFloat16 = device.multipliesBFloat16 }

    /// In the place of memory that cannot be had.
    private nonisolated(unsafe) static let stand = UnsafeMutableRawPointer.allocate(byteCount: 64 << 20, alignment: 4096)

    private static func rounded(_ byteCount: Int) -> Int { max(4096, (byteCount + 4095) / 4096 * 4096) }

    public func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer {
        memory.withLock { $0.live += byteCount; $0.peak = max($0.peak, $0.live) }
        let p = mmap(nil, Self.rounded(byteCount), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | Int32(MAP_NORESERVE), -1, 0)
        // Where even address space is short, all that does not fit shares one place: only small tables are ever written.
        return p == MAP_FAILED ? Self.stand : p ?? Self.stand
    }

    public func free(_ pointer: UnsafeMutableRawPointer, _ byteCount: Int) {
        memory.withLock { $0.live -= byteCount }
        if pointer != Self.stand { munmap(pointer, Self.rounded(byteCount)) }
    }

    public var liveBytes: Int { memory.withLock { $0.live } }
    public var peakBytes: Int { memory.withLock { $0.peak } }
    /// `peakBytes` counts from now on.
    public func resetPeak() { memory.withLock { $0.peak = $0.live } }

    /// Counts tensors that are read or written once.
    func moves(_ tensors: Tensor...) { work.bytesMoved += tensors.reduce(0) { $0 + Double($1.count * $1.type.byteCount) } }

    func computes(_ kind: Work.Kind, _ amount: Double, in type: ElementType) { work[kind, type] += amount }

    /// The float32 twins of bfloat16 tensors that are there all at once where bfloat16 is not multiplied.
    func widens(_ tensors: Tensor...) {
        guard !multipliesBFloat16 else { return }
        let twins = tensors.filter { $0.type == .bfloat16 }.map { Tensor(uninitialized: $0.shape) }
        withExtendedLifetime(twins) {}
    }

    public func multiply(
        _ c: Tensor, _ a: Tensor, transposed aT: Bool, _ b: Tensor, transposed bT: Bool, bias: Tensor?,
        m: Int, n: Int, k: Int, alpha: Float, beta: Float
    ) {
        computes(min(m, n, k) >= 64 ? .product : .thinProduct, 2 * Double(m) * Double(n) * Double(k), in: a.type)
        if aT { widens(a, b) }
        if a.type != b.type { computes(.widening, Double(n * k * (b.type.byteCount + 4)), in: .float32) }
    }
    public func addRow(_ y: Tensor, _ x: Tensor, _ bias: Tensor, rows: Int, width: Int) { moves(y, x) }
    public func gatherRows(_ y: Tensor, _ table: Tensor, ids: [Int], width: Int) { moves(y, y) }
    public func convert(_ y: Tensor, _ x: Tensor, by factor: Float) { moves(y, x) }
    public func add(_ y: Tensor, _ a: Tensor, _ b: Tensor) { moves(y, a, b) }
    public func scale(_ y: Tensor, _ x: Tensor, by factor: Float) { moves(y, x) }
    public func silu(_ y: Tensor, _ x: Tensor) { moves(y, x) }
    public func siluBackward(_ dx: Tensor, _ dy: Tensor, _ x: Tensor) { moves(dx, dy, x) }
    public func gelu(_ y: Tensor, _ x: Tensor) { moves(y, x) }
    public func quickGELU(_ y: Tensor, _ x: Tensor) { moves(y, x) }
    public func geglu(_ y: Tensor, _ x: Tensor, rows: Int, width: Int) { moves(y, x) }
    public func gegluBackward(_ dx: Tensor, _ dy: Tensor, _ x: Tensor, rows: Int, width: Int) { moves(dx, dy, x) }
    public func layerNorm(
        _ y: Tensor, _ mean: Tensor, _ rstd: Tensor, _ x: Tensor, _ scale: Tensor, _ shift: Tensor, rows: Int, width: Int, epsilon: Float
    ) { moves(y, x) }
    public func layerNormBackward(
        _ dx: Tensor, _ dy: Tensor, _ x: Tensor, _ scale: Tensor, _ mean: Tensor, _ rstd: Tensor, rows: Int, width: Int
    ) { moves(dx, dy, x) }
    public func groupNorm(
        _ y: Tensor, _ mean: Tensor, _ rstd: Tensor, _ x: Tensor, _ norm: GroupNormShape, _ scale: Tensor, _ shift: Tensor
    ) { moves(y, x, x) }
    public func groupNormBackward(
        _ dx: Tensor, _ dy: Tensor, _ x: Tensor, _ norm: GroupNormShape, _ scale: Tensor, _ shift: Tensor, _ mean: Tensor, _ rstd: Tensor
    ) { moves(dx, dy, x, dy, x) }

    private static func scores(_ s: AttentionShape) -> Double {
        2 * Double(s.batch * s.heads * s.headSize) * Double(s.queries) * Double(s.keys)
    }
    public func attention(_ o: Tensor, _ lse: Tensor, _ q: Tensor, _ k: Tensor, _ v: Tensor, _ s: AttentionShape) {
        widens(o, q, k, v)
        computes(.attention, 2 * Self.scores(s), in: q.type)
    }
    public func attentionBackward(
        _ dq: Tensor, _ dk: Tensor, _ dv: Tensor, _ dO: Tensor, _ o: Tensor, _ lse: Tensor, _ q: Tensor, _ k: Tensor, _ v: Tensor, _ s: AttentionShape
    ) {
        widens(dq, dk, dv, dO, o, q, k, v)
        computes(.attentionBackward, 5 * Self.scores(s), in: q.type)
    }

    public func packedKernel(_ weight: Tensor, _ shape: ConvolutionShape, _ form: ConvolutionForm, turned: Bool) -> Tensor {
        // Through a copy in the type that it is made of, or from the weight as it is, as the real one.
        let source = form == .direct ? weight.widened() : weight
        let sides = form.weightSides(weight.shape[2], weight.shape[3])
        let packed = Tensor(uninitialized: sides + weight.shape.prefix(2), type: form == .bfloat16 ? .bfloat16 : .float32)
        moves(packed, source)
        return packed
    }
    public func convolution(_ y: Tensor, _ x: Tensor, _ packed: Tensor, _ bias: Tensor?, _ s: ConvolutionShape) {
        let products = 2 * Double(y.count * s.inChannels)
        widens(x, y)
        switch s.form(of: x.type, on: self) {
        case .winograd(let tile):
            // Of float32 always; bfloat16 is widened before and rounded after it.
            if x.type == .bfloat16 { work.bytesMoved += Double(6 * (x.count + y.count)) }
            computes(.winograd, products * Double((tile + 2) * (tile + 2)) / Double(tile * tile), in: .float32)
        case .direct, .bfloat16: computes(.convolution, products * Double(s.kernelHeight * s.kernelWidth), in: x.type)
        }
    }
    public func upsample(_ y: Tensor, _ x: Tensor) { moves(y, x) }
    public func upsampleBackward(_ dx: Tensor, _ dy: Tensor) { moves(dx, dy) }
    public func copyColumns(_ y: Tensor, yWidth: Int, yFrom: Int, _ x: Tensor, xWidth: Int, xFrom: Int, count: Int, rows: Int) {
        work.bytesMoved += Double(2 * x.type.byteCount) * Double(count * rows)
    }
    public func transpose(_ y: Tensor, _ x: Tensor, n: Int, rows: Int, columns: Int) { moves(y, x) }
    public func squaredError(_ prediction: Tensor, _ target: Tensor, _ mask: Tensor) -> [Double] {
        Array(repeating: 1, count: prediction.shape[0])
    }
    public func squaredErrorGradient(_ d: Tensor, _ prediction: Tensor, _ target: Tensor, _ mask: Tensor, factors: [Float]) {}
    public func sumOfSquares(_ x: Tensor) -> Double { moves(x); return 1 }
    public func adamW(_ p: Tensor, _ m: Tensor, _ v: Tensor, _ gradient: Tensor, gradientScale: Float, _ step: AdamWStep) {
        moves(p, p, m, m, v, v, gradient)
    }
}
