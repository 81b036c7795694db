import CPUDevice
import Diffusion
import Foundation
import Tensors
import Weights

/// A model directory of `Tests/Goldens/models` and what diffusers and transformers computed with it; the keys are
/// described at the top of `make_models.py`.
public struct ModelGolden: CustomStringConvertible, @unchecked Sendable {
    public static let names = ["odd-a", "odd-b", "odd-c"]
    public static let all = names.map(ModelGolden.init)

    public let name: String
    public let model: SDXLDirectory
    private let golden: Golden

    public init(_ name: String) {
        CPUDevice.install()
        self.name = name
        model = SDXLDirectory(Golden.models.path + "/" + name)
        golden = try! Golden(name)
    }

    public var description: String { name }

    public subscript(_ key: String) -> Tensor { golden[key] }
    public func integers(_ key: String) -> [Int] { golden.integers(key) }
    public func scalar(_ key: String) -> Double { golden.scalar(key) }

    /// `[N, C, H, W]` as it is here, `[N, H, W, C]`.
    public func image(_ key: String) -> Tensor { self[key].channelsLast() }

    /// Row n of a tensor whose first dimension counts steps.
    public func image(_ key: String, _ n: Int) -> Tensor { row(key, n).channelsLast() }
    public func row(_ key: String, _ n: Int) -> Tensor { golden.row(key, n) }

    public func timeIDs(_ tensor: Tensor) -> [[Float]] { stride(from: 0, to: tensor.count, by: 6).map { Array(tensor.values[$0..<$0 + 6]) } }

    /// Name and shape of each piece of a flat list of LoRA tensors, names without the leading `unet.`
    public var loraLayout: [(name: String, shape: [Int])] {
        let list = try! JSONSerialization.jsonObject(with: Data(golden.metadata["lora"]!.utf8)) as! [[Any]]
        return list.map { (String(($0[0] as! String).dropFirst(5)), $0[1] as! [Int]) }
    }

    /// Pieces of a flat list, by name.
    public func lora(_ key: String) -> [String: [Float]] {
        let flat = self[key].values
        var out: [String: [Float]] = [:], at = 0
        for (name, shape) in loraLayout {
            let count = shape.reduce(1, *)
            out[name] = Array(flat[at..<at + count])
            at += count
        }
        return out
    }

    /// A UNet with the golden's LoRA, and its frozen twin over the same weights.
    public func adapted(precision: ElementType = .float32) throws -> (adapters: AdapterSet, unet: UNet, base: UNet) {
        let adapters = AdapterSet(rank: 3, alpha: 3, seed: 0), weights = try model.unetWeights(), c = try model.unetConfiguration()
        let unet = UNet(weights.root.adapted(by: adapters), c, precision: precision), base = UNet(weights.root, c, precision: precision)
        try weights.finish()
        let values = lora("lora")
        for (name, parameter) in adapters.parameters {
            let v = values[name]!
            v.withUnsafeBufferPointer { parameter.value.floats.update(from: $0.baseAddress!, count: v.count) }
        }
        return (adapters, unet, base)
    }
}
