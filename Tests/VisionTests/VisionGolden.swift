import CPUDevice
import Foundation
import Images
import ModelGoldens
import Tensors
import TestFolders
import Weights

/// A model directory of `Tests/Goldens/vision` and what transformers computed with it; the keys are described at the top of
/// `make_vision_transformers.py`.
struct VisionGolden: CustomStringConvertible, @unchecked Sendable {
    let name: String
    private let golden: Golden

    init(_ name: String) {
        CPUDevice.install()
        self.name = name
        golden = try! Golden(name, in: Golden.vision)
    }

    static let owlv2 = ["owlv2-a", "owlv2-b"].map(VisionGolden.init), dinov2 = ["dinov2-a", "dinov2-b"].map(VisionGolden.init)

    var description: String { name }
    var directory: String { Golden.vision.path + "/" + name }
    subscript(_ key: String) -> Tensor { golden[key] }
    func integers(_ key: String) -> [Int] { golden.integers(key) }

    /// A list of the metadata.
    func list(_ key: String) throws -> [String] { try JSONDecoder().decode([String].self, from: Data(golden.metadata[key]!.utf8)) }

    var photos: [RGBImage] {
        get throws { try list("photos").map { try ImageFile.readPhoto(Golden.vision.path + "/\($0).png") } }
    }
}

/// The largest difference; infinite where the counts differ or something is not a number.
func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
    guard a.count == b.count, !a.isEmpty else { return .infinity }
    let worst = zip(a, b).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
    return zip(a, b).allSatisfy { $0.isFinite && $1.isFinite } ? worst : .infinity
}

/// A copy of a golden model's directory, to be spoilt; it goes with the test.
final class CopiedModel {
    private let folder: TemporaryFolder
    var path: String { folder.path }

    convenience init(of golden: VisionGolden) throws { try self.init(golden.directory) }

    init(_ directory: String) throws { folder = try TemporaryFolder(copying: directory) }

    /// Replaces keys of a JSON file; a null removes the key.
    func change(_ file: String, _ changes: [String: Any]) throws {
        let url = URL(fileURLWithPath: path + "/" + file)
        var object = try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as! [String: Any]
        for (key, value) in changes { object[key] = value is NSNull ? nil : value }
        try JSONSerialization.data(withJSONObject: object).write(to: url)
    }

    /// One key of `vision_config`.
    func setVision(_ key: String, _ value: Any) throws {
        let object = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path + "/config.json"))) as! [String: Any]
        try change("config.json", ["vision_config": (object["vision_config"] as! [String: Any]).merging([key: value]) { $1 }])
    }

    /// Replaces the first number of a tensor by one that is none.
    func spoil(_ tensor: String) throws {
        let file = try SafetensorsFile(path + "/model.safetensors")
        var writer = SafetensorsWriter(metadata: file.metadata)
        for entry in file.entries {
            var values = try file.floats(entry.name)
            if entry.name == tensor { values[0] = .nan }
            writer.add(entry.name, shape: entry.shape, values)
        }
        guard file[tensor] != nil else { throw CocoaError(.fileReadNoSuchFile) }
        try writer.write(to: path + "/model.safetensors")
    }

    func remove(_ file: String) throws { try FileManager.default.removeItem(atPath: path + "/" + file) }
}
