import CKernels
import Tensors

extension CPUDevice {
    /// A bfloat16 weight in the library's own order, which depends on channels, kernel and stride.
    func packedBFloat16(_ weight: Tensor, _ shape: ConvolutionShape, turned: Bool) -> Tensor {
        var geometry = ck_conv_shape(shape)
        let bytes = ck_bf16_convolution_packed_bytes(&geometry)
        precondition(bytes > 0, "convolution: the library has no form for \(shape)")
        let packed = Tensor(uninitialized: [(bytes + 1) / 2], type: .bfloat16)
        let target = packed.storage.pointer, source = weight.bfloats
        let granule = ck_bf16_convolution_pack_granule(&geometry), granules = (geometry.out_channels + granule - 1) / granule
        threads.ranges(granules) { r in
            var geometry = ck_conv_shape(shape)
            let first = r.lowerBound * granule, count = min(r.upperBound * granule, geometry.out_channels) - first
            let status = ck_bf16_convolution_pack(target, source, &geometry, turned ? 1 : 0, first, count)
            precondition(status == 0, "ck_bf16_convolution_pack: status \(status) for \(shape)")
        }
        return packed
    }

    func convolutionBFloat16(
        _ y: UnsafeMutablePointer<UInt16>, _ x: UnsafeMutablePointer<UInt16>, _ packed: UnsafeMutableRawPointer,
        _ bias: UnsafeMutablePointer<Float>?, _ geometry: ck_conv_shape
    ) {
        let rows = geometry.batch * geometry.out_height
        // One piece for each thread: every piece reads all of the weight.
        let least = max(1, 64 / geometry.out_width), pieces = max(1, min(threads.count, rows / least))
        threads.run(pieces) { piece in
            var shape = geometry
            let first = rows * piece / pieces, count = rows * (piece + 1) / pieces - first
            let status = ck_bf16_convolution(y, x, packed, bias, &shape, Int64(first), Int64(count))
            precondition(status == 0, "ck_bf16_convolution: status \(status) for \(shape)")
        }
    }
}
