import Foundation
import ModelGoldens
import Testing

@testable import Diffusion

/// What a model's own description gives away before any weight is read.
@Suite struct ModelFaultTests {
    /// Hands `check` a folder with a golden model's JSON file `name`, changed by `changes`.
    private func changed(_ name: String, _ changes: [String: Any], check: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("segmixd-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let source = try Data(contentsOf: Golden.models.appendingPathComponent("odd-b/\(name)"))
        let object = try #require(try JSONSerialization.jsonObject(with: source) as? [String: Any])
        let target = folder.appendingPathComponent(URL(fileURLWithPath: name).lastPathComponent)
        try JSONSerialization.data(withJSONObject: object.merging(changes) { $1 }).write(to: target)
        try check(folder.path)
    }

    private func sentence(_ body: () throws -> Void) -> String? {
        do { try body() } catch { return "\(error)" }
        return nil
    }

    @Test func anotherPipelineIsRefused() throws {
        for (kind, isFine) in [
            ("StableDiffusionXLPipeline", true), ("StableDiffusionXLInpaintPipeline", true), ("StableDiffusionPipeline", false), ("FluxPipeline", false),
        ] {
            try changed("model_index.json", ["_class_name": kind]) { folder in
                let fault = sentence { try SDXLDirectory(folder).requireSDXL() }
                #expect((fault == nil) == isFine, "\(kind): \(fault ?? "accepted")")
                if let fault { #expect(fault.hasPrefix(folder + "/model_index.json: ") && fault.contains(kind)) }
            }
        }
        #expect(sentence { try SDXLDirectory("/nowhere").requireSDXL() } == nil, "a directory without model_index.json passes")
    }

    @Test func latentsNeedAScale() throws {
        let cases: [([String: Any], String?)] = [
            ([:], nil), (["scaling_factor": 0], "scaling_factor"), (["scaling_factor": -0.1], "scaling_factor"),
            (["latents_std": [1, 0, 1, 1]], "latents_std"), (["latents_std": [1, 1, 1]], "latents_std"), (["latents_std": NSNull()], "latents_std"),
        ]
        for (changes, key) in cases {
            try changed("vae/config.json", changes) { folder in
                let fault = sentence { _ = try VAEConfiguration(directory: folder) }
                #expect((fault == nil) == (key == nil), "\(changes): \(fault ?? "accepted")")
                if let fault, let key { #expect(fault.contains(key) && fault.contains("config.json"), "\(fault)") }
            }
        }
    }
}
