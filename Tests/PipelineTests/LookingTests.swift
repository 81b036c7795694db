import Foundation
import Images
import ModelGoldens
import Testing

@testable import Pipeline

/// `segmix detect`, `embed` and `score` on models with random weights.
@Suite(.serialized) struct LookingTests {
    static let owlv2 = Golden.vision.path + "/owlv2-a", dinov2 = Golden.vision.path + "/dinov2-a"
    static let picture = Golden.vision.path + "/wide.png"

    private func object(_ end: Program.Ending) throws -> [String: Any] {
        try #require(end.status == 0, "\(end.errors)")
        return try #require(try JSONSerialization.jsonObject(with: Data(end.output.utf8)) as? [String: Any])
    }

    /// A workplace whose model can look.
    private func workplace(_ more: String = ", owlv2: \(owlv2), dinov2: \(dinov2)") throws -> Workplace {
        let place = try Workplace()
        try place.replace("base: \(Workplace.model)", "base: \(Workplace.model)\(more)", in: "segmixd.yaml")
        return place
    }

    private static let hasMaskModels = ["u2netp", "mobile_sam"].allSatisfy {
        FileManager.default.fileExists(atPath: Golden.folder.appendingPathComponent("../../models/bundled/\($0)/model.safetensors").path)
    }

    /// With the published weights, of a drawn photo whose mask is known to the pixel.
    @Test(.enabled(if: hasMaskModels, "models/bundled is empty: make models has not been run")) func masks() throws {
        let place = try Workplace(), folder = place.path + "/demo"
        try DemoJob.write(to: folder)
        func segment(_ image: String, _ more: [String] = []) throws -> Program.Ending {
            try Program.segmix.run(["segment", "--config", place.configuration, "--image", image, "--output", place.path + "/mask.png"] + more)
        }
        let truth = try ImageFile.readMask(folder + "/mask_b00.png")
        let (xs, ys) = truth.bytes.indices.filter { truth.bytes[$0] > 127 }.reduce(into: ([Int](), [Int]())) { $0.0.append($1 % truth.width); $0.1.append($1 / truth.width) }
        // Without a word what stands out, and the same in a box around it.
        for more in [[], ["--box", "\(xs.min()!),\(ys.min()!),\(xs.max()! + 1),\(ys.max()! + 1)"]] {
            let end = try segment(folder + "/b00.png", more)
            try #require(end.status == 0, "\(end.errors)")
            let mask = try ImageFile.readMask(place.path + "/mask.png")
            let both = zip(mask.bytes, truth.bytes).count { $0 == 255 && $1 > 127 }, either = zip(mask.bytes, truth.bytes).count { $0 == 255 || $1 > 127 }
            #expect(mask.width == truth.width && Set(mask.bytes) == [0, 255] && Double(both) > 0.95 * Double(either), "\(more): \(both) of \(either)")
        }
        try place.remove("mask.png")
        try place.write(Data(PNGEncoder.encode(RGBImage(width: 200, height: 150, filledWith: 190))), "wall.png")
        let wall = try segment(place.path + "/wall.png"), outside = try segment(folder + "/b00.png", ["--box", "9000,0,9100,10"])
        #expect(wall.status == 65 && wall.errors.contains("wall.png") && wall.errors.contains("say where the object is with --box"), "\(wall.errors)")
        #expect(outside.status == 65 && outside.errors.contains("lies outside the picture") && !place.exists("mask.png"))
        #expect(try segment(place.path + "/none.png").status == 65)
    }

    @Test func detections() throws {
        let arguments = ["detect", "--model", Self.owlv2, "--image", Self.picture, "--query", "a photo of a corgi!", "café", "--threshold", "0.3", "--overlap"]
        let all = try object(Program.segmix.run(arguments + ["1", "--json"])), few = try object(Program.segmix.run(arguments + ["0.3", "--json"]))
        #expect(all["width"] as? Int == 131 && all["height"] as? Int == 48 && all["queries"] as? [String] == ["a photo of a corgi!", "café"])
        let found = try #require(all["detections"] as? [[String: Any]]), kept = try #require(few["detections"] as? [[String: Any]])
        #expect(found.count > kept.count && !kept.isEmpty)
        let scores = found.compactMap { $0["score"] as? Double }
        #expect(scores.count == found.count && scores == scores.sorted(by: >) && scores.allSatisfy { $0 > 0.3 && $0 < 1 })
        #expect(found.allSatisfy { ($0["box"] as? [Double])?.count == 4 && ["a photo of a corgi!", "café"].contains($0["label"] as? String) })
        let plain = try Program.segmix.run(arguments + ["0.3"])
        #expect(plain.status == 0 && plain.output.split(separator: "\n").count == kept.count)
        let nothing = try Program.segmix.run(["detect", "--model", Self.owlv2, "--image", Self.picture, "--query", "corgi", "--threshold", "0.999"])
        #expect(nothing.status == 0 && nothing.output.contains("nothing that scores above 0.999"))
    }

    @Test func embeddings() throws {
        let place = try workplace(), golden = try Golden("dinov2-a", in: Golden.vision)
        let arguments = ["embed", "--model", "odd", "--config", place.configuration, "--image", Golden.vision.path + "/tall.png", Self.picture]
        let images = try #require(try object(Program.segmix.run(arguments + ["--json"]))["images"] as? [[String: Any]])
        #expect(images.compactMap { $0["image"] as? String } == [Golden.vision.path + "/tall.png", Self.picture])
        for (k, image) in images.enumerated() {
            #expect(relativeError(try #require(image["embedding"] as? [Double]).map { Float($0) }, golden["\(k).embedding"].values) < 2e-5)
        }
        let lines = try Program.segmix.run(arguments).output.split(separator: "\n")
        #expect(lines.count == 2 && lines[0].split(separator: " ").count == 1 + 18)
    }

    @Test func scoresOfAJob() throws {
        let place = try workplace()
        // Masks and priors are not needed for it.
        try FileManager.default.removeItem(atPath: place.job + "/prior")
        try place.replace(", \"mask_path\": \"mask_a00.png\"", "", in: "toys/metadata.jsonl")
        let arguments = ["score", "--job", place.job, "--config", place.configuration, "--image", place.job + "/a00.png", Self.picture]
        let result = try object(Program.segmix.run(arguments + ["--json", "--threshold", "0", "--overlap", "0.05"]))
        #expect(result["subjects"] as? [String] == ["olis toy", "hta corgi"] && result["queries"] as? [String] == ["toy", "corgi"])
        let ideal = try #require(result["ideal"] as? [[Double]])
        #expect(ideal.count == 2 && ideal[0][1] == ideal[1][0] && ideal[0][0] <= 1 && ideal[0][0] > ideal[0][1])
        let pictures = try #require(result["pictures"] as? [[String: Any]])
        let scores = pictures.compactMap { $0["score"] as? Double }
        let mean = try #require(result["mean"] as? Double)
        #expect(scores.count == 2 && abs(mean - (scores[0] + scores[1]) / 2) < 1e-12)
        for picture in pictures {
            let similarity = try #require(picture["similarity"] as? [[Double]]), detections = try #require(picture["detections"] as? [Any])
            #expect(similarity.count == detections.count && similarity.allSatisfy { row in row.count == 2 && row.allSatisfy { abs($0) <= 1 } })
            #expect((picture["finding"] as? String) != nil && (similarity.count == 2) == (picture["detection_of_subject"] != nil))
        }
        let lines = try Program.segmix.run(arguments + ["--threshold", "0.99"]).output.split(separator: "\n")
        #expect(lines.count == 3 && lines[0].hasPrefix("0.000  ") && lines[0].contains("0 objects were found for 2 subjects") && lines[2] == "0.000  mean of 2")
    }

    @Test func wrongRequestsSayWhatIsWanted() throws {
        let place = try workplace(", owlv2: \(Self.owlv2)")
        let detect = ["detect", "--model", Self.owlv2, "--image", Self.picture, "--query"]
        for (arguments, status, says) in [
            (["detect", "--model", "/nowhere/owl", "--image", Self.picture, "--query", "x"], 69, "/nowhere/owl"),
            (["detect", "--model", Self.dinov2, "--image", Self.picture, "--query", "x"], 65, "OWLv2's architecture"),
            (["detect", "--model", Self.owlv2, "--image", "/nowhere/x.png", "--query", "x"], 65, "/nowhere/x.png"),
            (detect + ["x", "--threshold", "1.5"], 64, "--threshold is 1.5"), (detect + ["x", "--overlap", "2"], 64, "--overlap is 2"),
            (detect + [" "], 65, "is empty"), (["embed", "--model", "/nowhere/dino", "--image", Self.picture], 69, "/nowhere/dino"),
            (["embed", "--model", Self.dinov2, "--image", Self.dinov2 + "/config.json"], 65, "config.json"),
            (["score", "--job", place.job, "--image", Self.picture, "--config", place.configuration], 69, "needs `dinov2`"),
            (["score", "--job", "/nowhere/job", "--image", Self.picture, "--config", place.configuration], 65, "/nowhere/job"),
        ] as [([String], Int32, String)] {
            let end = try Program.segmix.run(arguments)
            #expect(end.status == status && end.errors.contains(says) && end.output.isEmpty, "\(arguments): \(end.status) \(end.errors)")
        }
    }
}
