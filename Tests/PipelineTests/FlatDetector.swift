import Foundation
import ModelGoldens
import Weights

/// The small OWLv2, changed so that a detection's logit moves by exactly what is added: the steepness that it reads off the
/// picture is 1 everywhere.
struct FlatDetector {
    let path: String

    /// Writes it to `path`; every logit is larger by `shift`.
    init(_ path: String, shift: Float = 0) throws {
        self.path = path
        let source = Golden.vision.path + "/owlv2-a"
        try? FileManager.default.removeItem(atPath: path)
        try FileManager.default.copyItem(atPath: source, toPath: path)
        let file = try SafetensorsFile(source + "/model.safetensors")
        var writer = SafetensorsWriter(metadata: ["format": "pt"])
        for entry in file.entries {
            var values = try file.floats(entry.name)
            switch entry.name {
            case "class_head.logit_scale.weight", "class_head.logit_scale.bias": values = values.map { _ in 0 }
            case "class_head.logit_shift.bias": values[0] += shift
            default: break
            }
            writer.add(entry.name, shape: entry.shape, values)
        }
        try writer.write(to: path + "/model.safetensors")
    }

    /// Logits of what is found in a picture, the highest first.
    func logits(_ picture: String, queries: [String]) throws -> [Double] {
        let end = try Program.segmix.run(
            ["detect", "--model", path, "--image", picture, "--threshold", "0", "--overlap", "0.5", "--json", "--query"] + queries)
        guard end.status == 0, let object = try JSONSerialization.jsonObject(with: Data(end.output.utf8)) as? [String: Any],
            let found = object["detections"] as? [[String: Any]] else { throw Failure(errors: end.errors) }
        return found.compactMap { $0["score"] as? Double }.map { log($0 / (1 - $0)) }
    }

    struct Failure: Error { let errors: String }

    /// The shift with which most of the pictures show exactly `count` objects of a score above 0.4, and how many do.
    func shift(showing count: Int, in pictures: [String], queries: [String]) throws -> (shift: Float, pictures: Int) {
        let threshold = log(0.4 / 0.6)
        // Between these two the shift is right for the picture.
        let spans = try pictures.map { picture in
            let logits = try logits(picture, queries: queries)
            return (low: threshold - logits[count - 1], high: threshold - logits[count])
        }
        let edges = spans.flatMap { [$0.low, $0.high] }.sorted()
        let best = zip(edges, edges.dropFirst()).map { ($0 + $1) / 2 }.map { middle in
            (shift: Float(middle), pictures: spans.count { $0.low < middle && middle < $0.high })
        }
        return best.max { $0.pictures < $1.pictures }!
    }
}
