import CPUDevice
import Foundation
import Images
import ModelGoldens
import Tensors
import Vision

/// A SAM directory of `Tests/Goldens/vision` and what transformers (or MobileSAM's original) computed with it; the keys are
/// described at the top of `make_sam.py`.
struct SAMGolden: CustomStringConvertible, @unchecked Sendable {
    struct Case: Decodable {
        let photo: Int
        let box: [Double]?
        /// x, y, 1 on the object or 0 beside it
        let points: [[Double]]
        let refines: Int?
        let multimask: Bool

        var prompt: SegmentationPrompt {
            SegmentationPrompt(
                box: box.map { .init(x0: $0[0], y0: $0[1], x1: $0[2], y1: $0[3]) },
                points: points.map { .init(x: $0[0], y: $0[1], isInside: $0[2] == 1) })
        }
    }

    let name: String
    private let golden: Golden

    init(_ name: String) {
        CPUDevice.install()
        self.name = name
        golden = try! Golden(name, in: Golden.vision)
    }

    static let all = ["sam-a", "sam-b", "mobile-sam"].map(SAMGolden.init)

    var description: String { name }
    var directory: String { Golden.vision.path + "/" + name }
    subscript(_ key: String) -> Tensor { golden[key] }

    var cases: [Case] {
        get throws { try JSONDecoder().decode([Case].self, from: Data(golden.metadata["cases"]!.utf8)) }
    }

    var photos: [RGBImage] {
        get throws {
            try JSONDecoder().decode([String].self, from: Data(golden.metadata["photos"]!.utf8))
                .map { try ImageFile.readPhoto(Golden.vision.path + "/\($0).png") }
        }
    }
}
