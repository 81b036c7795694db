import Diffusion
import Files
import Foundation
import Images
import Jobs
import SegMix
import Tensors

/// The layouts of mean-shifted noise: composed once per subjects, seed and size, saved beside the pictures, and encoded.
final class Layouts {
    private struct Key: Hashable {
        let subjects: [String], seed: UInt64, width: Int, height: Int

        init(_ picture: PlannedPicture) {
            (subjects, seed, width, height) = (picture.subjects, picture.request.seed, picture.request.width, picture.request.height)
        }
    }

    private let composer: Composer
    private let boxes: [String: Composition.Box]?
    private let folder: String
    private let sparesOthers: Bool
    /// Where layouts lie that had to make way for others.
    private var places: [Key: String] = [:]
    private var known: [Key: Tensor] = [:]

    /// - Parameters:
    ///   - layout: where the subjects lie; nil: drawn with each picture's seed.
    ///   - folder: that of the pictures.
    ///   - sparesOthers: another layout that lies there stays, as the one of other pictures.
    init(_ composer: Composer, layout: RenderLayout?, folder: String, sparesOthers: Bool = false) {
        (self.composer, self.folder, self.sparesOthers) = (composer, folder, sparesOthers)
        boxes = layout.map { Dictionary(uniqueKeysWithValues: $0.boxes.map { ($0.subject, .init(x0: $0.x0, y0: $0.y0, x1: $0.x1, y1: $0.y1)) }) }
    }

    /// `layout-SEED.png`, with the subjects where they are not all: by their keys where these can be part of a name, else by their
    /// numbers in the table of subjects.
    func path(for picture: PlannedPicture) -> String { places[Key(picture)] ?? usualPath(for: picture) }

    private func usualPath(for picture: PlannedPicture) -> String {
        let keys = composer.subjects.subjects.map(\.key), all = Set(keys) == Set(picture.subjects)
        let arePlain = keys.allSatisfy { key in key.utf8.count <= 20 && key.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) } }
        let names = picture.subjects.map { key in arePlain ? key : String(keys.firstIndex(of: key).map { $0 + 1 } ?? 0) }
        return folder + "/layout-\(picture.request.seed)" + (all ? "" : "-" + names.joined(separator: "-")) + ".png"
    }

    /// z_init of a picture, `[1, h, w, C]`; the layout's picture lies at `path(for:)` afterwards.
    /// - Throws: `SegMixError`, `ImageError`, `FileError`.
    func latents(for picture: PlannedPicture, with make: TextToImage, tiling: VAETiling?) throws -> Tensor {
        let r = picture.request, key = Key(picture)
        // What is known may have been put aside with the pictures of an earlier round.
        if let latents = known[key], FileManager.default.fileExists(atPath: path(for: picture)) { return latents }
        let (text, image) = try composition(picture)
        if sparesOthers {
            let usual = usualPath(for: picture), numbered = (2...).lazy.map { "\(usual.dropLast(4))-\($0).png" }
            places[key] = ([usual] + numbered.prefix(9_999)).first { !Folder.exists($0) || Self.text(at: $0) == text }
        }
        try AtomicFile.write(PNGEncoder.encode(image, text: [(Self.textKey, text)]), to: path(for: picture))
        let pixels = Tensor(image.bytes.map { Float($0) / 127.5 - 1 }, shape: [1, r.height, r.width, 3])
        let latents = make.latents(of: pixels, tiling: tiling)
        known[key] = latents
        return latents
    }

    /// Whether the layout's picture lies there, with everything in the place where it would be put now.
    func isThere(for picture: PlannedPicture) throws -> Bool {
        let text = Self.text(at: path(for: picture))
        return try text != nil && text == composition(picture).text
    }

    private static let textKey = "layout"

    private static func text(at path: String) -> String? {
        FileManager.default.contents(atPath: path).flatMap { PNGText.value(of: textKey, in: $0) }
    }

    /// Places and picture of a layout.
    private func composition(_ picture: PlannedPicture) throws -> (text: String, image: RGBImage) {
        let r = picture.request
        let (layout, image) = try composer.composition(of: picture.subjects, boxes: boxes, width: r.width, height: r.height, seed: r.seed)
        // Masks that were made lie beside the pictures: called by where they are in the result, wherever that is moved.
        let output = "\"" + Directory.parent(of: folder) + "/"
        return (String(decoding: try JSONEncoder([.sortedKeys, .withoutEscapingSlashes]).encode(layout), as: UTF8.self).replacing(output, with: "\""), image)
    }
}
