import Foundation
import Images

/// A job's pictures, drawn: two subjects, two photos and two prior pictures of each, of different sizes, with masks.
public struct DrawnPhotos {
    public struct Photo: Sendable {
        public let subject, file, mask, caption: String
    }

    public static let phrases = ["a": "olis toy", "b": "hta corgi"]
    public static let classes = ["a": "toy", "b": "corgi"]

    public static let instances = ["a", "b"].flatMap { s in
        (0..<2).map { Photo(subject: s, file: "\(s)0\($0).png", mask: "mask_\(s)0\($0).png", caption: "a photo of \(phrases[s]!)") }
    }
    public static let priors = ["a", "b"].flatMap { s in
        (0..<2).map { Photo(subject: s, file: "prior/\(s)0\($0).png", mask: "prior/mask_\(s)0\($0).png", caption: "a photo of a \(classes[s]!)") }
    }

    /// Writes pictures, masks and both lists into a folder that is there.
    public static func write(to folder: String) throws {
        try FileManager.default.createDirectory(atPath: folder + "/prior", withIntermediateDirectories: true)
        for (list, isPrior) in [(instances, false), (priors, true)] {
            for (i, photo) in list.enumerated() {
                let width = 70 + 9 * i, height = 88 - 5 * i
                let inside = { (x: Int, y: Int) in
                    let u = Double(x) / Double(width) - 0.5, v = Double(y) / Double(height) - 0.45
                    return photo.subject == "a" ? abs(u) + abs(v) < 0.33 : u * u * 1.5 + v * v < 0.08
                }
                var picture: [UInt8] = [], mask: [UInt8] = []
                for y in 0..<height {
                    for x in 0..<width {
                        let isInside = inside(x, y), stripe = (x / 5 + y / 7 + i) % 2 == 0
                        mask.append(isInside ? 255 : 0)
                        picture += isInside
                            ? (photo.subject == "a" ? [220, stripe ? 40 : 90, 30] : [30, 90, stripe ? 230 : 160])
                            : [UInt8(90 + x), UInt8(60 + y), isPrior ? 200 : 120]
                    }
                }
                try PNGEncoder.encode(RGBImage(width: width, height: height, bytes: picture)).write(to: URL(fileURLWithPath: folder + "/" + photo.file))
                try PNGEncoder.encode(GrayImage(width: width, height: height, bytes: mask)).write(to: URL(fileURLWithPath: folder + "/" + photo.mask))
            }
        }
        try list(instances, phrases, to: folder + "/metadata.jsonl", under: "")
        try list(priors, classes, to: folder + "/prior/class_metadata.jsonl", under: "prior/")
    }

    private static func list(_ photos: [Photo], _ names: [String: String], to path: String, under prefix: String) throws {
        let table = names.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \"\($0.value)\"" }.joined(separator: ", ")
        let lines = ["{\"id\": {\(table)}}"] + photos.map {
            "{\"id\": \"\($0.subject)\", \"file_name\": \"\($0.file.dropFirst(prefix.count))\", \"mask_path\": \"\($0.mask.dropFirst(prefix.count))\", \"text\": \"\($0.caption)\"}"
        }
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: path))
    }
}
