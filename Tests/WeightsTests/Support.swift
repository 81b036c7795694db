import CPUDevice
import Foundation
import Tensors

func golden(_ name: String, file: String = #filePath) -> String {
    URL(fileURLWithPath: file).deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Goldens/weights/\(name)").path
}

/// A file of these header characters and data, with the header's length unless another is claimed.
func safetensors(_ header: String, data: Int = 0, claiming length: UInt64? = nil) -> Data {
    let text = Data(header.utf8)
    return withUnsafeBytes(of: (length ?? UInt64(text.count)).littleEndian) { Data($0) } + text + Data(count: data)
}

/// The device all tests here compute on.
let device: Void = { CPUDevice.install(threads: 1) }()
