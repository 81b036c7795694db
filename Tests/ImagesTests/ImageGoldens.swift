import Foundation
@testable import Images

/// What Pillow makes of the pictures in Tests/Goldens/images (make_images.py).
struct ImageGoldens: Decodable {
    struct File: Decodable { let file: String, photo: [Int], mask: [Int] }
    struct Resize: Decodable { let channels: Int, source: [Int], filter: String, resized: [Int] }

    let files: [File]
    let resizes: [Resize]

    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Goldens/images")
    static let bytes = try! [UInt8](Data(contentsOf: folder.appending(path: "expected.bin")))
    static let all = try! JSONDecoder().decode(ImageGoldens.self, from: Data(contentsOf: folder.appending(path: "index.json")))

    static func path(_ file: String) -> String { folder.appending(path: file).path }

    static func rgb(_ place: [Int]) -> RGBImage {
        RGBImage(width: place[1], height: place[2], bytes: Array(bytes[place[0]..<place[0] + 3 * place[1] * place[2]]))
    }

    static func gray(_ place: [Int]) -> GrayImage {
        GrayImage(width: place[1], height: place[2], bytes: Array(bytes[place[0]..<place[0] + place[1] * place[2]]))
    }
}

/// A file of the given content, removed with the value.
final class TemporaryFile {
    let path: String

    init(_ bytes: some Sequence<UInt8>, name: String = "picture.jpg") {
        path = NSTemporaryDirectory() + "\(UUID().uuidString)-\(name)"
        try! Data(bytes).write(to: URL(filePath: path))
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
