import CPUDevice
import Foundation
import ModelGoldens
import Tensors
import TestFolders
import Testing

@testable import Vision

/// OWLv2 against transformers: photos that are not square, smaller and larger than the model's picture, three queries.
@Suite(.serialized) struct OWLv2Tests {
    @Test(arguments: VisionGolden.owlv2) func pixels(_ golden: VisionGolden) throws {
        let model = try OWLv2(directory: golden.directory)
        for (k, photo) in try golden.photos.enumerated() {
            // A byte's step is about 0.0146 after the normalisation.
            let difference = largestDifference(model.prepared(photo).channelsFirst().values, golden["\(k).pixels"].values)
            #expect(difference < 2e-5, "photo \(k): \(difference)")
        }
    }

    @Test(arguments: VisionGolden.owlv2) func queries(_ golden: VisionGolden) throws {
        let model = try OWLv2(directory: golden.directory), queries = try golden.list("queries")
        for (i, query) in queries.enumerated() {
            #expect(relativeError(try model.embedding(of: query), golden["text"].rows(i, 1).values) < 2e-5, "\(query)")
        }
    }

    @Test(arguments: VisionGolden.owlv2) func logitsAndBoxes(_ golden: VisionGolden) throws {
        let model = try OWLv2(directory: golden.directory), queries = try golden.list("queries")
        for (k, photo) in try golden.photos.enumerated() {
            let found = try model.predict(photo, queries: queries)
            let (logits, boxes) = (largestDifference(found.logits, golden["\(k).logits"].values), largestDifference(found.boxes, golden["\(k).boxes"].values))
            let objectness = largestDifference(found.objectness, golden["\(k).objectness"].values)
            #expect(logits < 1e-4 && boxes < 1e-4 && objectness < 1e-4, "photo \(k): \(logits), \(boxes), \(objectness)")
        }
    }

    @Test(arguments: VisionGolden.owlv2) func boxesInPixels(_ golden: VisionGolden) throws {
        let model = try OWLv2(directory: golden.directory), queries = try golden.list("queries")
        for (k, photo) in try golden.photos.enumerated() {
            let found = try model.predict(photo, queries: queries).candidates(threshold: 0), labels = golden.integers("\(k).labels")
            try #require(found.count == labels.count)
            let corners = found.flatMap { [$0.box.x0, $0.box.y0, $0.box.x1, $0.box.y1].map { Float($0) } }
            #expect(largestDifference(corners, golden["\(k).corners"].values) < 0.01, "photo \(k)")
            #expect(largestDifference(found.map { Float($0.score) }, golden["\(k).scores"].values) < 2e-5, "photo \(k)")
            #expect(found.map(\.label) == labels.map { queries[$0] } && Set(labels).count > 1, "photo \(k)")
        }
    }

    /// bfloat16 has 8 bits: rounding errors of the layers are some thousandths, and boxes stay where they are.
    @Test(arguments: VisionGolden.owlv2)
    func bfloat16(_ golden: VisionGolden) throws {
        let model = try OWLv2(directory: golden.directory, precision: .bfloat16), queries = try golden.list("queries")
        for (k, photo) in try golden.photos.enumerated() {
            let found = try model.predict(photo, queries: queries)
            let logits = relativeError(found.logits, golden["\(k).logits"].values), boxes = relativeError(found.boxes, golden["\(k).boxes"].values)
            #expect(logits > 1e-6 && logits < 0.03 && boxes < 0.02, "photo \(k): \(logits), \(boxes)")
        }
    }

    @Test func thresholdAndOverlapThinOut() throws {
        let golden = VisionGolden.owlv2[0], model = try OWLv2(directory: golden.directory), photo = try golden.photos[1]
        let prediction = try model.predict(photo, queries: try golden.list("queries"))
        let all = prediction.detections(threshold: 0, overlap: 1), scores = all.map(\.score)
        #expect(scores == scores.sorted(by: >) && all.count == prediction.objectness.count)
        let middle = scores[scores.count / 2]
        #expect(prediction.candidates(threshold: middle).count == scores.count { $0 > middle })
        let thinned = prediction.detections(threshold: 0, overlap: 0.4)
        #expect(thinned.count < all.count && thinned[0] == all[0])
        for (i, one) in thinned.enumerated() {
            #expect(thinned[..<i].allSatisfy { $0.box.overlap(one.box) <= 0.4 })
        }
        // What was left out overlaps something better that stayed.
        for one in all where !thinned.contains(one) {
            #expect(thinned.contains { $0.score >= one.score && $0.box.overlap(one.box) > 0.4 })
        }
    }

    @Test func queriesThatCannotBeReadAreNamed() throws {
        let model = try OWLv2(directory: VisionGolden.owlv2[1].directory), photo = try VisionGolden.owlv2[1].photos[0]
        let long = "a photo of a corgi and a harry potter toy on a table in the garden under the sky"
        let fault = try #require(sentence { _ = try model.detect(photo, queries: ["corgi", long], threshold: 0.1) })
        #expect(fault.contains("too long") && fault.contains("14 tokens") && fault.contains(long), "\(fault)")
        #expect(try #require(sentence { _ = try model.embedding(of: "  ") }).contains("is empty"))
    }

    @Test func modelsThatAreNotWholeAreRefused() throws {
        let whole = VisionGolden.owlv2[0]
        func fault(_ spoil: (CopiedModel) throws -> Void) throws -> String {
            let copy = try CopiedModel(of: whole)
            try spoil(copy)
            let said = try #require(sentence { _ = try OWLv2(directory: copy.path) })
            #expect(said.contains(copy.path), "\(said)")
            return said
        }
        #expect(try fault { try $0.remove("preprocessor_config.json") }.contains("preprocessor_config.json"))
        #expect(try fault { try $0.change("preprocessor_config.json", ["size": ["height": 50, "width": 48]]) }.contains("50×48"))
        #expect(try fault { try $0.change("preprocessor_config.json", ["do_pad": false]) }.contains("do_pad"))
        #expect(try fault { try $0.change("config.json", ["model_type": "owlvit"]) }.contains("OWLv2's architecture"))
        #expect(try fault { try $0.change("config.json", ["projection_dim": 15]) }.contains("projection_dim is 15"))
        #expect(try fault { try $0.change("config.json", ["vision_config": ["hidden_size": 24, "num_attention_heads": 5]]) }.contains("24 does not divide into 5"))
        let shapes = try fault { try $0.change("config.json", ["vision_config": ["hidden_size": 24, "num_attention_heads": 3, "intermediate_size": 40, "num_hidden_layers": 1, "image_size": 48, "patch_size": 6]]) }
        #expect(shapes.contains("encoder.layers.1"), "\(shapes)")
        #expect(try fault { try $0.remove("model.safetensors") }.contains("model.safetensors"))
        #expect(try fault { try $0.remove("vocab.json") }.contains("vocab.json"))
        #expect(try fault { try $0.remove("tokenizer_config.json") }.contains("tokenizer_config.json"))
        #expect(try fault { try Data("#version: 0.2\n".utf8).write(to: URL(fileURLWithPath: $0.path + "/merges.txt")) }.contains("merges.txt: has no merges"))
        #expect(try fault { try $0.change("preprocessor_config.json", ["image_processor_type": "OwlViTImageProcessor"]) }.contains("only Owlv2ImageProcessor"))
    }

    @Test(arguments: ["owlv2.vision_model.post_layernorm.bias", "box_head.dense2.bias", "objectness_head.dense2.bias"])
    func numbersThatAreNoneAreSaid(_ tensor: String) throws {
        let copy = try CopiedModel(of: VisionGolden.owlv2[0])
        try copy.spoil(tensor)
        let model = try OWLv2(directory: copy.path), photo = try VisionGolden.owlv2[0].photos[0]
        let fault = sentence { _ = try model.detect(photo, queries: ["corgi"], threshold: 0.1) }
        #expect(fault?.hasPrefix("\(copy.path): the model gives numbers that are not finite") == true, "\(fault ?? "accepted")")
    }

    @Test func aConfigurationOfDefaultsIsTheBaseModel() throws {
        let copy = try CopiedModel(of: VisionGolden.owlv2[0])
        try Data(#"{"model_type": "owlv2", "vision_config": {"image_size": 960}}"#.utf8).write(to: URL(fileURLWithPath: copy.path + "/config.json"))
        let c = try OWLv2Configuration(directory: copy.path)
        let text: [Int] = [c.text.width, c.text.inner, c.text.layers, c.text.heads, c.text.positions, c.text.vocabulary]
        let vision: [Int] = [c.vision.width, c.vision.inner, c.vision.layers, c.vision.heads, c.vision.grid, c.projection]
        #expect(text.elementsEqual([512, 2048, 12, 8, 16, 49408]) && vision.elementsEqual([768, 3072, 12, 12, 60, 512]))
        #expect(c.vision.activation == .quickGELU && c.text.activation == .quickGELU)
    }

    @Test func boxesBecomePixelsOfThePhoto() {
        let box = DetectionBox(x0: -3.2, y0: 4.4, x1: 12.6, y1: 99)
        #expect(box.pixels(width: 10, height: 20) == .init(x0: 0, y0: 4, x1: 10, y1: 20))
        #expect(DetectionBox(x0: 30, y0: 4.6, x1: 31, y1: 4.7).pixels(width: 10, height: 20) == .init(x0: 9, y0: 5, x1: 10, y1: 6))
        #expect(box.overlap(box) == 1 && box.overlap(DetectionBox(x0: 13, y0: 0, x1: 14, y1: 9)) == 0)
        #expect(abs(DetectionBox(x0: 0, y0: 0, x1: 2, y1: 2).overlap(DetectionBox(x0: 1, y0: 0, x1: 3, y1: 2)) - 1 / 3.0) < 1e-12)
    }
}
