import Foundation
import Images
@testable import SegMix
import Tensors
import Testing

/// Composites that Pillow and PyTorch made from given draws (Tests/Goldens/make_images.py).
struct CollageGoldens: Decodable {
    struct Case: Decodable { let side: Int, plan: CollagePlan, picture: [Int], union: [Int] }
    struct Weights: Decodable { let collage: Int, alpha: Double, weights: [Int] }
    let collages: [Case]
    let loss_masks: [Weights]

    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Goldens/images")
    static let bytes = try! [UInt8](Data(contentsOf: folder.appending(path: "expected.bin")))
    static let all = try! JSONDecoder().decode(CollageGoldens.self, from: Data(contentsOf: folder.appending(path: "index.json")))

    static func slice(_ place: [Int], bytesPerPixel: Int) -> [UInt8] {
        Array(bytes[place[0]..<place[0] + place[1] * place[2] * bytesPerPixel])
    }

    static func photo(_ name: String, captions: [String] = ["a caption"]) -> Photo {
        Photo(subject: String(name.prefix(1)), file: "\(name).jpg", mask: "mask_\(name).png", captions: captions, in: folder.path)
    }
}

extension Photo {
    /// Photo and mask both given relative to `folder`.
    init(subject: String, file: String, mask: String?, captions: [String], in folder: String) {
        self.init(
            subject: subject, file: file, path: folder + "/" + file, mask: mask, maskPath: mask.map { folder + "/" + $0 }, captions: captions)
    }
}

@Suite struct CollageTests {
    @Test(arguments: CollageGoldens.all.collages.indices)
    func pillowsBytes(case number: Int) throws {
        let golden = CollageGoldens.all.collages[number]
        let cutOuts = try golden.plan.subjects.map { try CutOut(CollageGoldens.photo(String($0.file.dropLast(4)))) }
        #expect(cutOuts.map(\.box) == golden.plan.subjects.map(\.box))
        for place in golden.plan.subjects {
            #expect(place.size == [place.box.width, place.box.height].map { Int(Double($0) * place.factor) })
        }
        let collage = Collage(golden.plan, side: golden.side, cutOuts: cutOuts)
        #expect(collage.picture.bytes == CollageGoldens.slice(golden.picture, bytesPerPixel: 3))
        #expect(collage.union.bytes == CollageGoldens.slice(golden.union, bytesPerPixel: 1))
    }

    @Test(arguments: CollageGoldens.all.loss_masks.indices)
    func pyTorchsWeights(case number: Int) {
        let golden = CollageGoldens.all.loss_masks[number], collage = CollageGoldens.all.collages[golden.collage]
        let union = GrayImage(width: collage.side, height: collage.side, bytes: CollageGoldens.slice(collage.union, bytesPerPixel: 1))
        let weights = LossMask.weights(union: union, side: golden.weights[1], softAlpha: golden.alpha)
        let expected = CollageGoldens.slice(golden.weights, bytesPerPixel: 4).withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
        #expect(weights.count == expected.count)
        #expect(zip(weights, expected).allSatisfy { abs($0 - $1) <= 1e-6 })
        #expect(golden.alpha == 1 || Set(weights).count > 3, "the case tests nothing")
    }

    @Test func traceJSON() throws {
        let plan = CollagePlan(
            subjects: [.init(subject: "a", file: "a01.jpg", mask: "m.jpg", box: PixelBox(x0: 1, y0: 2, x1: 30, y1: 40), factor: 0.1 + 0.2, size: [8, 11], x: 15, y: 26)],
            left: 0, top: 0)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let text = String(decoding: try encoder.encode(plan), as: UTF8.self)
        #expect(text == #"{"left":0,"subjects":[{"box":[1,2,30,40],"factor":0.30000000000000004,"file":"a01.jpg","mask":"m.jpg","size":[8,11],"subject":"a","x":15,"y":26}],"top":0}"#)
        #expect(try JSONDecoder().decode(CollagePlan.self, from: Data(text.utf8)) == plan)
    }

    /// Any box on any canvas: the cut-outs lie on it, with their margins.
    @Test func everyShapeFits() {
        for side in [32, 33, 64, 100, 256, 1000] {
            for (w, h) in [(1, 1), (1, 5000), (5000, 1), (side, side), (3, 4000), (4000, 3000), (17, 16)] {
                let photo = CollageGoldens.photo("a00"), box = PixelBox(x0: 0, y0: 0, x1: w, y1: h)
                for step in 0..<200 {
                    var stream = RandomStream(seed: 3, purpose: .collage, step: step)
                    let rules = CollageRules(side: side, sharesHeight: step.isMultiple(of: 2))
                    let other = CollagePlan.Candidate(photo: photo, box: PixelBox(x0: 0, y0: 0, x1: h, y1: w), scale: 1)
                    let plan = CollagePlan.drawn((.init(photo: photo, box: box, scale: nil), other), rules: rules, from: &stream)
                    for (i, place) in plan.subjects.enumerated() {
                        let margin = i == plan.left ? place.x : side - place.x - place.size[0]
                        #expect((1...side / 4).contains(margin))
                        #expect(place.x >= 0 && place.y >= 0 && place.x + place.size[0] <= side && place.y + place.size[1] <= side)
                        let part = place.factor / rules.fullFactor(of: place.box)
                        #expect(i == 1 ? abs(part - 1) < 1e-12 : part >= 0.75 - 1e-12 && part < 1)
                    }
                    if rules.sharesHeight { #expect(plan.subjects[0].y == plan.subjects[1].y) }
                }
            }
        }
    }

    @Test func badMasks() throws {
        let photo = RGBImage(width: 6, height: 5, filledWith: 9)
        func fault(_ mask: GrayImage) -> String {
            do { _ = try CutOut(photo: photo, mask: mask, photoName: "a00.jpg", maskName: "mask_a00.jpg"); return "" } catch { return "\(error)" }
        }
        func mask(_ points: (Int, Int)..., value: UInt8 = 129) -> GrayImage {
            var mask = GrayImage(width: 6, height: 5, filledWith: 128)
            for (x, y) in points { mask.bytes[y * 6 + x] = value }
            return mask
        }
        #expect(fault(mask()).contains("mask_a00.jpg: the mask is empty"))
        #expect(fault(mask((2, 2))).contains("1 × 1 pixels"))
        #expect(fault(mask((2, 1), (2, 4))).contains("1 × 4 pixels"))
        #expect(fault(GrayImage(width: 5, height: 6, filledWith: 255)) == "mask_a00.jpg is 5 × 6 pixels, but its photo a00.jpg is 6 × 5 (both upright); make a mask of the photo's size.")
        #expect(fault(mask((1, 1), (4, 3))) == "")
        let cutOut = try CutOut(photo: photo, mask: mask((1, 1), (4, 3)), photoName: "", maskName: "")
        #expect(cutOut.box == PixelBox(x0: 1, y0: 1, x1: 4, y1: 3))
    }
}
