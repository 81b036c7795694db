import Files
import Foundation
import Jobs

/// Where the default mask models lie: what `make models` makes and `make install` installs.
struct DefaultModels: Sendable {
    /// Holds `u2netp` and `mobile_sam`.
    let directory: String
    var saliency: String { directory + "/u2netp" }
    var segmenter: String { directory + "/mobile_sam" }

    /// - Parameter configured: the configuration's `mask_models`.
    /// - Throws: `JobFailure` (unavailable) where they are nowhere; `FileError` for what may pass.
    init(configured: String?) throws {
        let places = configured.map { [$0] } ?? Self.places
        func isComplete(_ place: String) throws -> Bool { try ["u2netp", "mobile_sam"].allSatisfy { try JobFailure.destination("\(place)/\($0)/model.safetensors") != nil } }
        guard let found = try places.first(where: isComplete) else {
            let looked = configured.map { "\($0) (`mask_models` of the configuration) does not hold them" } ?? "they are in none of \(places.joined(separator: ", "))"
            throw JobFailure(.unavailable, "the default mask models are missing: \(looked); run `make models` in the source folder (and `make install`), or name `owlv2` and `sam` with the job's model in the configuration")
        }
        directory = found
    }

    /// Beside the program, where `make install` puts them, and in the source folder that the program was built in.
    static var places: [String] {
        guard let program = try? Directory.thisProgram() else { return [] }
        var folder = Directory.parent(of: program)
        var places = [folder + "/models", Directory.parent(of: folder) + "/share/segmixd/models"]
        for _ in 0..<5 {
            if Folder.exists(folder + "/Package.swift") { places.append(folder + "/models/bundled") }
            folder = Directory.parent(of: folder)
        }
        return places
    }
}
