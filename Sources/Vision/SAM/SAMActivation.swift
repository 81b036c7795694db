import Diffusion
import Tensors

/// The functions between the linear maps of SAM's parts, as `hidden_act` names them.
enum SAMActivation: String, Sendable {
    case gelu, relu, silu, quickGELU = "quick_gelu"

    init(_ c: ModelConfiguration, default fallback: SAMActivation) throws {
        let name = try c.string("hidden_act", default: fallback.rawValue)
        guard let known = SAMActivation(rawValue: name) else {
            throw ModelError(
                path: c.path, reason: "\"hidden_act\" is \"\(name)\", and only gelu, relu, silu and quick_gelu are supported; use a SAM model")
        }
        self = known
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
        switch self {
        case .gelu: x.gelu()
        case .relu: x.relu()
        case .silu: x.silu()
        case .quickGELU: x.quickGELU()
        }
    }
}
