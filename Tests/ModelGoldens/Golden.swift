import Foundation
import Tensors
import Weights

/// A reference file of Tests/Goldens/models, made by the scripts beside it, whose beginnings list the keys.
///
///     let golden = try Golden("odd-a")
///     let output = golden["unet.0.output"]        // a tensor over the mapped file
///     let directory = Golden.models.appendingPathComponent("odd-a/unet")
public struct Golden {
    /// Tests/Goldens
    public static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Goldens")
    public static let models = folder.appendingPathComponent("models")

    public let metadata: [String: String]
    private let file: SafetensorsFile

    public static let vision = folder.appendingPathComponent("vision")

    /// Opens `models/NAME.safetensors`, or that of another folder.
    public init(_ name: String, in folder: URL = models) throws {
        file = try SafetensorsFile(folder.appendingPathComponent(name + ".safetensors").path)
        metadata = file.metadata
    }

    /// A float32 tensor. This and what follows trap where there is no such key.
    public subscript(_ key: String) -> Tensor { try! file.tensor(key) }
    public func integers(_ key: String) -> [Int] { try! file.integers(key) }
    public func scalar(_ key: String) -> Double {
        let values = self[key].values
        precondition(values.count == 1, "\(key) is no scalar: \(values.count) values")
        return Double(values[0])
    }

    /// Element n of a tensor's first dimension.
    public func row(_ key: String, _ n: Int) -> Tensor { self[key].rows(n, 1).reshaped(Array(self[key].shape.dropFirst())) }
}
