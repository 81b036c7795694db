import CTurboJPEG
import Foundation

/// Encodes JPEG files, for previews inside pages.
public enum JPEGEncoder {
    /// `quality` from 1 to 100; colours are kept at full resolution.
    public static func encode(_ image: RGBImage, quality: Int = 88) -> Data {
        precondition((1...100).contains(quality), "JPEGEncoder: quality \(quality)")
        guard let handle = tjInitCompress() else { preconditionFailure("JPEGEncoder: libjpeg-turbo cannot start") }
        defer { tjDestroy(handle) }
        let subsampling = Int32(TJSAMP_444.rawValue)
        var size = tjBufSize(Int32(image.width), Int32(image.height), subsampling)
        var bytes = [UInt8](repeating: 0, count: Int(size))
        let status = bytes.withUnsafeMutableBufferPointer { buffer in
            var start = buffer.baseAddress
            return tjCompress2(
                handle, image.bytes, Int32(image.width), 0, Int32(image.height), TJPF_RGB.rawValue, &start, &size, subsampling, Int32(quality), TJFLAG_NOREALLOC)
        }
        precondition(status == 0, "JPEGEncoder: \(String(cString: tjGetErrorStr2(handle)))")
        return Data(bytes[..<Int(size)])
    }
}
