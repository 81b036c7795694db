import CPUDevice
import Jobs
import Tensors

extension JobSpecification.MixedPrecision {
    /// The engine's name for it.
    var elementType: ElementType { self == .bf16 ? .bfloat16 : .float32 }

    /// - Throws: `JobFailure` (unavailable) where this machine does not compute in it.
    func requireSupport(called key: String) throws {
        guard self == .bf16, !CPUDevice.multipliesBFloat16 else { return }
        throw JobFailure(
            .unavailable, "\(key) bf16: this processor cannot multiply bfloat16 numbers (AVX512-BF16 is missing); use `no`, or another machine")
    }
}
