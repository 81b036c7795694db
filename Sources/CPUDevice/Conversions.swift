import CKernels
import Tensors

extension CPUDevice {
    public func convert(_ y: Tensor, _ x: Tensor, by factor: Float) {
        precondition(y.count == x.count, "convert: \(x.shape) to \(y.shape)")
        precondition(factor == 1 || (x.type == .float32 && y.type == .bfloat16), "convert: \(x.type) by \(factor) to \(y.type)")
        threads.ranges(x.count, least: 1 << 16) { r in
            let i = r.lowerBound
            switch (x.type, y.type) {
            case (_, .float32): widen(y.floats + i, x, from: i, count: r.count)
            case (.float32, .bfloat16): ck_narrow_bf16(y.bfloats + i, x.floats + i, factor, r.count)
            case (.float16, .bfloat16): ck_narrow_f16_to_bf16(y.bfloats + i, halves(x) + i, r.count)
            case (.bfloat16, .bfloat16): (y.bfloats + i).update(from: x.bfloats + i, count: r.count)
            case (_, .float16): preconditionFailure("convert: float16 is a type of files, nothing is made of it")
            }
        }
    }

    /// The float32 twin of a tensor, off the tape; itself where it is one.
    func wide(_ x: Tensor) -> Tensor {
        guard x.type != .float32 else { return x }
        let y = Tensor(uninitialized: x.shape)
        convert(y, x, by: 1)
        return y
    }

    /// Runs `body` with float32 tensors in the places of bfloat16 ones, and rounds once what it has written there.
    func rounding(_ results: [Tensor], body: ([Tensor]) -> Void) {
        let sums = results.map { Tensor(uninitialized: $0.shape) }
        body(sums)
        for (result, sum) in zip(results, sums) { convert(result, sum, by: 1) }
    }

    /// Raw halves of a tensor.
    func halves(_ x: Tensor) -> UnsafePointer<UInt16> {
        UnsafePointer(x.storage.pointer.assumingMemoryBound(to: UInt16.self))
    }

    /// Widens `count` elements of `x` from element `first`.
    func widen(_ y: UnsafeMutablePointer<Float>, _ x: Tensor, from first: Int, count: Int) {
        switch x.type {
        case .float32: y.update(from: x.floats + first, count: count)
        case .float16: ck_widen_f16(y, halves(x) + first, count)
        case .bfloat16: ck_widen_bf16(y, halves(x) + first, count)
        }
    }
}
