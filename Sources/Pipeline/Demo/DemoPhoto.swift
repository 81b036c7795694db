import Files
import Foundation
import Images
import Tensors

/// One drawn photo: who, where, how large.
struct DemoPhoto {
    enum Figure {
        case robot(ToyRobot), dog(SpottedDog)
    }

    /// `a00`: files are `a00.png` and `mask_a00.png`.
    let name: String
    let subject: String
    /// How captions call it.
    let phrase: String
    let figure: Figure
    let scene: Scene
    let width, height: Int
    /// The figure's feet, as shares of width and height, and its unit as a share of the height.
    var x = 0.5, y = 0.84, scale = 0.28
    var isMirrored = false, lean = 0.0
    /// Stored lying on its side, as a camera does that is held upright, with an EXIF orientation that says so.
    var isStoredSideways = false

    var file: String { "\(name).png" }
    var mask: String { "mask_\(name).png" }
    var caption: String { "A photo of a \(phrase) \(scene.words)." }

    /// The photo and its mask, both upright.
    func draw(seed: UInt64, index: Int) -> (photo: RGBImage, mask: GrayImage) {
        var random = RandomStream(seed: seed, purpose: .drawing, index: index)
        var sketch = Sketch(width: width, height: height)
        scene.draw(into: &sketch, horizon: (y - 0.13) * Double(height), &random)
        let place = Placement(
            origin: Point(x * Double(width), y * Double(height)), scale: scale * Double(height), angle: lean, isMirrored: isMirrored)
        switch figure {
        case .robot(let robot): robot.draw(into: &sketch, at: place)
        case .dog(let dog): dog.draw(into: &sketch, at: place)
        }
        return (sketch.photo(grain: 2.5, &random), sketch.mask)
    }

    /// Writes both files into `folder`.
    func write(to folder: String, seed: UInt64, index: Int) throws {
        let (photo, mask) = draw(seed: seed, index: index)
        let picture = isStoredSideways
            // Turned left once more than upright: orientation 6 turns it back.
            ? PNGEncoder.encode(photo.upright(from: .turnedRight), text: [("Raw profile type exif", Self.exif(.turnedLeft))])
            : PNGEncoder.encode(photo)
        try AtomicFile.write(picture, to: Directory.joined(folder, file))
        try AtomicFile.write(PNGEncoder.encode(mask), to: Directory.joined(folder, self.mask))
    }

    /// ImageMagick's text form of an EXIF block with nothing but the orientation (TIFF 6.0, section 2; tag 0x0112, SHORT).
    private static func exif(_ orientation: Orientation) -> String {
        let tiff: [UInt8] = [0x4D, 0x4D, 0, 0x2A, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, UInt8(orientation.rawValue), 0, 0, 0, 0, 0, 0]
        let block = Array("Exif\0\0".utf8) + tiff
        let digits = block.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return "\nexif\n\(String(block.count).leftPadded(to: 8))\n\(digits)\n"
    }
}

extension String {
    fileprivate func leftPadded(to width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }
}
