import CPUDevice
import Diffusion
import Foundation
import Images
import Testing

@testable import Pipeline

struct ReportTests {
    @Test func textsAreEscapedAndMarkupIsNot() {
        let name = "<script>'\"&\u{1}", inner: HTML = "<b>\(name)</b>"
        #expect(("<p>\(inner)\(3)</p>" as HTML).description == "<p><b>&lt;script&gt;&#39;&quot;&amp;\u{FFFD}</b>3</p>")
    }

    @Test func theRunningMeanStartsAtItsFirstValueAndFollows() {
        let mean = LossChart.smoothed([2, 2, 2, 2])
        #expect(mean.allSatisfy { abs($0 - 2) < 1e-12 })
        let step = LossChart.smoothed(Array(repeating: 1, count: 200) + Array(repeating: 0, count: 200))
        // Half of the weight lies on the last twentieth: 20 of 400 values.
        #expect(abs(step[219] - 0.5) < 0.01 && step[399] < 0.01)
        #expect(LossChart(points: [(1, 0.5)]).svg.description.isEmpty)
        #expect(LossChart(points: [(1, 0.5), (2, .nan), (3, 0.4)]).svg.description.contains("step 3"))
    }

    @Test func theSheetHoldsEveryPictureAndItsText() throws {
        let red = RGBImage(width: 20, height: 10, bytes: (0..<200).flatMap { _ in [200, 0, 0] as [UInt8] })
        let cells = (0..<7).map { ContactSheet.Cell(image: ContactSheet.thumbnail(red, side: 256), caption: "seed \($0) · γ 0.07") }
        func sheet(_ title: String) -> RGBImage { ContactSheet(references: [("hta corgi", [red])], rows: [(title, cells)]).drawn() }
        let one = sheet("a prompt"), other = sheet("ein anderer Prompt, größer")
        let pixels = (0..<one.width * one.height).count { one.bytes[3 * $0] == 200 && one.bytes[3 * $0 + 1] == 0 }
        #expect(pixels == 7 * 256 * 128 + 200)
        #expect(one.width == other.width && one.bytes != other.bytes)
    }

    @Test func longTextsAreBroken() throws {
        let face = try #require(Typeface(pixels: 14))
        let lines = face.lines("one two three four five six seven eight nine ten Donaudampfschifffahrtsgesellschaftskapitän", width: 90, limit: 20)
        #expect(lines.count > 4 && lines.allSatisfy { face.width(of: $0) <= 90 })
        #expect(lines.joined().filter { $0 != " " }.hasSuffix("kapitän"))
        let short = face.lines("one two three four five six", width: 60, limit: 2)
        #expect(short.count == 2 && short[1].hasSuffix("…"))
    }

    @Test func theVAEWorksInTilesWhereMemoryAsksForIt() throws {
        CPUDevice.install()
        let model = SDXLDirectory(Workplace.model), shape = [1, 40, 56, 4]
        #expect(try DecodeTiling(model) { 1 << 40 }.tiling(for: shape) == nil)
        #expect(try DecodeTiling(model) { 1 }.tiling(for: shape) == VAETiling(latentSide: 16))
        let tiling = DecodeTiling(model) { 0 }
        let whole = try tiling.peakBytes(shape, nil), half = try tiling.peakBytes(shape, VAETiling(latentSide: 32)), small = try tiling.peakBytes(shape, VAETiling(latentSide: 16))
        #expect(small < half && half < whole)
        #expect(try DecodeTiling(model) { half * 3 / 2 }.tiling(for: shape) == VAETiling(latentSide: 32))
    }
}
