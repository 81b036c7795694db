import Diffusion
import Foundation
import Weights

/// What a LoRA file and a resume point say of the base model.
struct ModelIdentity {
    let name: String
    /// Tells one model from another without reading it whole.
    let fingerprint: String
    private let files: [String]

    init(_ model: SDXLDirectory) throws {
        name = model.name
        files = try model.unetWeights().files.map(\.path)
        fingerprint = try DirectoryFingerprint.of(model.places, variant: model.variant)
    }

    /// Reads the UNet once, from the first byte to the last.
    func hash() throws -> ModelHash { try ModelHash(of: files) }
}
