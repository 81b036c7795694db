/// `gradient_checkpointing`: whether blocks of the UNet are computed again in the backward pass instead of kept.
public enum GradientCheckpointing: Equatable, Sendable, Codable {
    /// As many as it takes for the job to fit into memory, the cheapest first.
    case auto
    /// All, or none.
    case on, off

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let flag = try? container.decode(Bool.self) {
            self = flag ? .on : .off
        } else if try container.decode(String.self) == "auto" {
            self = .auto
        } else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "gradient_checkpointing is true, false or auto")
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .auto: try container.encode("auto")
        case .on: try container.encode(true)
        case .off: try container.encode(false)
        }
    }
}

extension KeyedValues {
    /// `true`, `false`, `auto`.
    func gradientCheckpointing(_ key: String, default fallback: GradientCheckpointing) -> GradientCheckpointing {
        guard let node = value(key) else { return fallback }
        if let flag = node.boolean { return flag ? .on : .off }
        guard node.text?.lowercased() == "auto" else { return wrong(node, key, "true, false or auto", fallback) }
        return .auto
    }
}
