import Foundation
import Images
import ModelGoldens
import Tensors
import TestFolders
import Testing

@testable import Vision

/// DINOv2 against transformers: plain and gated, positions of another grid than the pictures'.
@Suite(.serialized) struct DINOv2Tests {
    @Test(arguments: VisionGolden.dinov2) func pixels(_ golden: VisionGolden) throws {
        let model = try DINOv2(directory: golden.directory)
        for (k, photo) in try golden.photos.enumerated() {
            #expect(largestDifference(try model.prepared(photo).channelsFirst().values, golden["\(k).pixels"].values) < 1e-6, "photo \(k)")
        }
    }

    @Test(arguments: VisionGolden.dinov2) func embeddings(_ golden: VisionGolden) throws {
        let model = try DINOv2(directory: golden.directory)
        for (k, photo) in try golden.photos.enumerated() {
            let states = relativeError(model.states(try model.prepared(photo)).values, golden["\(k).states"].values)
            let embedding = relativeError(try model.embedding(of: photo), golden["\(k).embedding"].values)
            #expect(states < 2e-5 && embedding < 2e-5, "photo \(k): \(states), \(embedding)")
        }
    }

    @Test(arguments: VisionGolden.dinov2) func aBatchThatIsNotSquare(_ golden: VisionGolden) throws {
        let model = try DINOv2(directory: golden.directory), error = relativeError(model.states(golden["wide.pixels"].channelsLast()), golden["wide.states"])
        #expect(error < 2e-5, "\(error)")
    }

    @Test func modelsThatAreNotWholeAreRefused() throws {
        let gated = VisionGolden.dinov2[1]
        func fault(_ changes: [String: Any], in file: String = "config.json") throws -> String {
            let copy = try CopiedModel(of: gated)
            try copy.change(file, changes)
            return try #require(sentence { _ = try DINOv2(directory: copy.path) })
        }
        #expect(try fault(["model_type": "dinov2_with_registers"]).contains("DINOv2's architecture"))
        #expect(try fault(["use_swiglu_ffn": false]).contains("mlp.fc1.weight"))
        #expect(try fault(["qkv_bias": true]).contains("query.bias"))
        #expect(try fault(["patch_size": [5, 6]]).contains("patch_size [5, 6]"))
        #expect(try fault(["image_std": [1, 0, 1]], in: "preprocessor_config.json").contains("image_std"))
        #expect(try fault(["resample": 0], in: "preprocessor_config.json").contains("resample"))
        #expect(try fault(["image_processor_type": "ViTImageProcessor"], in: "preprocessor_config.json").contains("only BitImageProcessor is supported"))
        for size in [["do_center_crop": true, "crop_size": 2], ["do_center_crop": false, "size": ["shortest_edge": 2]], ["do_center_crop": false, "size": ["height": 90, "width": 2]]] as [[String: Any]] {
            #expect(try fault(size, in: "preprocessor_config.json").contains("brought to 2 pixels, less than the model's patches"), "\(size)")
        }
    }

    @Test func aStripIsNotBlownUp() throws {
        let model = try DINOv2(directory: VisionGolden.dinov2[0].directory)
        let fault = sentence { _ = try model.embedding(of: RGBImage(width: 1, height: 4_000_000, filledWith: 9), name: "strip.png") }
        #expect(fault?.contains("strip.png: 1 × 4000000 pixels are too narrow") == true, "\(fault ?? "accepted")")
    }

    @Test func numbersThatAreNoneAreSaid() throws {
        let copy = try CopiedModel(of: VisionGolden.dinov2[0])
        try copy.spoil("layernorm.bias")
        let model = try DINOv2(directory: copy.path), photo = try VisionGolden.dinov2[0].photos[0]
        let fault = sentence { _ = try model.embedding(of: photo) }
        #expect(fault?.hasPrefix("\(copy.path): the model gives numbers that are not finite") == true, "\(fault ?? "accepted")")
    }

    @Test func aConfigurationOfDefaultsIsTheBaseModel() throws {
        let copy = try CopiedModel(of: VisionGolden.dinov2[0])
        try Data(#"{"model_type": "dinov2", "image_size": 518}"#.utf8).write(to: URL(fileURLWithPath: copy.path + "/config.json"))
        let c = try DINOv2Configuration(directory: copy.path)
        let numbers: [Int] = [c.width, c.layers, c.heads, c.inner, c.height, c.side, c.patch]
        #expect(numbers.elementsEqual([768, 12, 12, 3072, 518, 518, 14]))
        #expect(c.hasProjectionBias && !c.isGated && c.epsilon == 1e-6)
    }
}
