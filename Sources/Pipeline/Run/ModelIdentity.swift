import Diffusion
import Foundation
import Weights

/// What a LoRA file and a resume point say of the base model.
struct ModelIdentity {
    let name: String
    /// Tells one model from another without reading it whole.
    let fingerprint: String
    private let files: [SafetensorsFile]

    /// - Parameters:
    ///   - files: the weights that are trained with.
    ///   - known: what the run that goes on says of its model; it may have been told by more.
    init(_ model: SDXLDirectory, files: [SafetensorsFile], known: String?) throws {
        name = model.name
        self.files = files
        let own = try DirectoryFingerprint.of(model.places, variant: model.variant)
        fingerprint = if let known, known != own, DirectoryFingerprint.former(model) == known { known } else { own }
    }

    /// Reads the UNet once, from the first byte to the last.
    func hash() throws -> ModelHash { try ModelHash(of: files) }
}
