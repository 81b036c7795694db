import Diffusion

extension [Float] {
    /// What a model says is of use only where it is finite.
    /// - Parameter model: its directory.
    /// - Throws: `ModelError`.
    func requireFinite(of model: String) throws {
        guard allSatisfy(\.isFinite) else {
            throw ModelError(path: model, reason: "the model gives numbers that are not finite: its weights are damaged, or its config.json is another model's; fetch it again")
        }
    }
}
