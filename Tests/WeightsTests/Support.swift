import CPUDevice
import Foundation
import Tensors

/// A directory that goes with the test.
final class TemporaryDirectory {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("weights-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }

    /// Names in the directory, hidden ones too.
    var names: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() } }
}

func golden(_ name: String, file: String = #filePath) -> String {
    URL(fileURLWithPath: file).deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Goldens/weights/\(name)").path
}

/// A file of these header characters and data, with the header's length unless another is claimed.
func safetensors(_ header: String, data: Int = 0, claiming length: UInt64? = nil) -> Data {
    let text = Data(header.utf8)
    return withUnsafeBytes(of: (length ?? UInt64(text.count)).littleEndian) { Data($0) } + text + Data(count: data)
}

/// What `body` throws, as the user reads it; nil if it does not.
func sentence(_ body: () throws -> Void) -> String? {
    do {
        try body()
        return nil
    } catch {
        return "\(error)"
    }
}

/// The device all tests here compute on.
let device: Void = { CPUDevice.install(threads: 1) }()
