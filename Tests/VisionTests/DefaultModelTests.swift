import CPUDevice
import Foundation
import Images
import ModelGoldens
import Tensors
import Testing
import Weights

@testable import Vision

/// Where `make models` puts the published weights.
private enum FetchedModels {
    static let folder = Golden.folder.deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("models/bundled").path
    static let areThere = ["u2netp", "mobile_sam"].allSatisfy { FileManager.default.fileExists(atPath: "\(folder)/\($0)/model.safetensors") }
}

/// The published weights, where `make models` has fetched them (`make test` does); elsewhere these tests are skipped, and
/// the report of the test run says so.
@Suite(
    "Default mask models (needs make models)", .serialized,
    .enabled(if: FetchedModels.areThere, "models/bundled is empty: make models has not been run"))
struct DefaultModelTests {
    init() { CPUDevice.install() }

    @Test func saliencyAgreesWithOnnxruntime() throws {
        var values: [Float] = []
        for i in 0..<320 {
            for j in 0..<320 {
                let down = Double(i), across = Double(j)
                let distance: Double = (down - 150) * (down - 150) + 1.5 * (across - 170) * (across - 170)
                let h: Double = 1 / (1 + exp((distance - 6000) / 300))
                for c in [0.0, 1, 2] {
                    let wave: Double = 0.05 * sin((c + 1) * down / 15 + across / 9)
                    values.append(Float(1.9 - 0.1 * c + wave - h * (1 + c)))
                }
            }
        }
        let y = try U2Net(directory: FetchedModels.folder + "/u2netp")(Tensor(values, shape: [1, 320, 320, 3])).values
        let expected = try SafetensorsFile(Golden.folder.appendingPathComponent("vision/u2netp-sample.safetensors").path).tensor("output").values
        let found = (0..<1600).map { (n: Int) -> Float in y[n / 40 * 8 * 320 + n % 40 * 8] }
        let largest = zip(found, expected).map { abs($0 - $1) }.max() ?? .infinity
        #expect(largest < 1e-4, "\(largest)")
    }

    /// A drawn thing before a drawn background: its mask is known to the pixel.
    @Test func aDrawnThingIsCutOut() throws {
        let (w, h) = (500, 380)
        var photo = RGBImage(width: w, height: h, filledWith: 0), truth = BinaryMask(width: w, height: h, bits: Array(repeating: 0, count: w * h))
        for y in 0..<h {
            for x in 0..<w {
                let u = Double(x - 260) / 110, v = Double(y - 190) / 130
                let r: Double = u * u + v * v
                let isInside = r < 1 || (abs(x - 260) < 40 && (300..<350).contains(y))
                let shade: Double = isInside ? 1 - 0.25 * min(1, r.squareRoot()) * (u + 1) : 0.8 + 0.1 * Double(y) / Double(h)
                let color: [Double] = isInside ? [220, 60, 40] : [205, 210, 200]
                for c in 0..<3 { photo.bytes[3 * (y * w + x) + c] = UInt8(max(0, min(255, color[c] * shade))) }
                truth.bits[y * w + x] = isInside ? 1 : 0
            }
        }
        let masker = SalientMasker(
            try U2Net(directory: FetchedModels.folder + "/u2netp"),
            segmenter: SAMProposals(try SAM(directory: FetchedModels.folder + "/mobile_sam"), offersAll: true))
        let result = try masker.mask(of: photo), mask = try #require(result.mask)
        #expect(result.isGood && mask.intersectionOverUnion(truth) > 0.96, "\(result.decision), \(mask.intersectionOverUnion(truth))")
        // An empty wall has no subject that both agree on.
        let wall = try masker.mask(of: RGBImage(width: 300, height: 300, filledWith: 190))
        #expect(!wall.isGood, "\(wall.decision)")
    }
}
