import Foundation

/// A reference file of Tests/Goldens/models, made by the scripts beside it; make_models.py lists the keys.
///
///     let golden = try Golden("odd-a")
///     let output = golden["unet.0.output"]        // output.shape, output.values
///     let directory = Golden.models.appendingPathComponent("odd-a/unet")
struct Golden {
    struct Tensor {
        let shape: [Int]
        /// Row by row; whole numbers too.
        let values: [Float]

        var integers: [Int] { values.map { Int($0) } }
        var scalar: Float {
            precondition(values.count == 1, "a scalar of shape \(shape)")
            return values[0]
        }

        /// Element `index` of the first dimension.
        func row(_ index: Int) -> Tensor {
            let count = values.count / shape[0]
            return Tensor(shape: Array(shape.dropFirst()), values: Array(values[index * count..<(index + 1) * count]))
        }
    }

    static let models = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Goldens/models")

    let metadata: [String: String]
    private let header: [String: Any]
    private let data: Data

    /// Reads `models/NAME.safetensors`.
    init(_ name: String) throws {
        let file = try Data(contentsOf: Self.models.appendingPathComponent(name + ".safetensors"))
        let length = Int(file.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
        header = try JSONSerialization.jsonObject(with: file[8..<8 + length]) as! [String: Any]
        metadata = header["__metadata__"] as? [String: String] ?? [:]
        data = file[(8 + length)...]
    }

    func has(_ key: String) -> Bool { header[key] != nil }

    /// Traps where there is no such key.
    subscript(key: String) -> Tensor {
        guard let entry = header[key] as? [String: Any] else { preconditionFailure("no golden \(key)") }
        let shape = (entry["shape"] as! [NSNumber]).map(\.intValue)
        let range = (entry["data_offsets"] as! [NSNumber]).map(\.intValue)
        let bytes = Array(data[(data.startIndex + range[0])..<(data.startIndex + range[1])])
        let values: [Float] = bytes.withUnsafeBytes { raw in
            switch entry["dtype"] as! String {
            case "F32": (0..<raw.count / 4).map { raw.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) }
            case "I64": (0..<raw.count / 8).map { Float(raw.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self)) }
            case let type: preconditionFailure("golden \(key) is \(type)")
            }
        }
        return Tensor(shape: shape, values: values)
    }

    /// A LoRA, or its gradients (`lora`, `grad.masked`, `train.final` …), one tensor after the other under the names
    /// that diffusers saves: `unet.MODULE.lora_A.weight` and `unet.MODULE.lora_B.weight`.
    func adapters(_ key: String) throws -> [(name: String, tensor: Tensor)] {
        let layout = try JSONSerialization.jsonObject(with: Data(metadata["lora"]!.utf8)) as! [[Any]]
        let values = self[key].values
        var start = 0
        let result = layout.map { entry in
            let shape = (entry[1] as! [NSNumber]).map(\.intValue), count = shape.reduce(1, *)
            defer { start += count }
            return (entry[0] as! String, Tensor(shape: shape, values: Array(values[start..<start + count])))
        }
        precondition(start == values.count, "\(key) has \(values.count) values, its layout \(start)")
        return result
    }

    /// The prompts behind `text.*`.
    func prompts() throws -> [String] {
        try JSONDecoder().decode([String].self, from: Data(metadata["prompts"]!.utf8))
    }
}

/// ‖a − b‖₂ / ‖b‖₂, infinite where the counts differ or a value is not a number.
func relativeError(_ a: [Float], _ b: [Float]) -> Double {
    guard a.count == b.count, !a.isEmpty else { return .infinity }
    var difference = 0.0, norm = 0.0
    for (x, y) in zip(a, b) {
        difference += (Double(x) - Double(y)) * (Double(x) - Double(y))
        norm += Double(y) * Double(y)
    }
    let error = (difference / norm).squareRoot()
    return error.isNaN ? .infinity : error
}
