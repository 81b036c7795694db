import CPUDevice
import Jobs
import Tensors

extension JobSpecification.MixedPrecision {
    /// The engine's name for it.
    var elementType: ElementType { self == .bf16 ? .bfloat16 : .float32 }

    /// In one sentence, where this machine computes in it and is no faster for it.
    public func note(called key: String) -> String? {
        guard self == .bf16, !CPUDevice.processorMultipliesBFloat16 else { return nil }
        return "\(key) bf16: this processor cannot multiply bfloat16 numbers (AVX512-BF16 is missing); they are kept as bfloat16 and multiplied as float32, which takes less memory and no less time"
    }
}
