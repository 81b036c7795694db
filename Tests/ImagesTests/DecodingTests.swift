import Foundation
@testable import Images
import Testing

@Suite struct DecodingTests {
    @Test(arguments: ImageGoldens.all.files.map(\.file))
    func pillowsBytes(file: String) throws {
        let golden = ImageGoldens.all.files.first { $0.file == file }!
        let photo = try ImageFile.readPhoto(ImageGoldens.path(file)), expected = ImageGoldens.rgb(golden.photo)
        #expect(photo.width == expected.width && photo.height == expected.height)
        #expect(photo.bytes == expected.bytes)
        let mask = try ImageFile.readMask(ImageGoldens.path(file))
        #expect(mask == ImageGoldens.gray(golden.mask))
    }

    @Test func everySortIsThere() {
        #expect(ImageGoldens.all.files.count == 67)
        #expect(ImageGoldens.all.resizes.count == 60)
    }

    @Test func writtenPNGComesBack() throws {
        let golden = ImageGoldens.all.files.first { $0.file == "sampling-444.jpg" }!
        let photo = ImageGoldens.rgb(golden.photo), mask = ImageGoldens.gray(golden.mask)
        let text = [("prompt", "café"), ("parameters", "emoji 🐶\nsecond line"), ("empty", "")]
        let color = PNGEncoder.encode(photo, text: text), gray = PNGEncoder.encode(mask)
        let colorFile = TemporaryFile(color), grayFile = TemporaryFile(gray)
        #expect(try ImageFile.readPhoto(colorFile.path) == photo)
        #expect(try ImageFile.readMask(grayFile.path) == mask)
        // tEXt in Latin-1 where that holds the text, iTXt in UTF-8 elsewhere.
        #expect(color.range(of: Data("tEXtprompt\0caf".utf8) + [0xE9]) != nil)
        #expect(color.range(of: Data("iTXtparameters\0\0\0\0\0emoji 🐶\nsecond line".utf8)) != nil)
        #expect(color.range(of: Data("tEXtempty\0".utf8)) != nil)
        for (keyword, value) in text { #expect(PNGText.value(of: keyword, in: color) == value) }
        #expect(PNGText.value(of: "param", in: color) == nil && PNGText.value(of: "prompt", in: gray) == nil)
        // What is cut short, has a length beyond its end, or is no PNG has none.
        for cut in [0, 4, 20, 40] { #expect(PNGText.value(of: "parameters", in: color.prefix(cut)) == nil) }
        #expect(PNGText.value(of: "prompt", in: Data(color.prefix(8)) + [0xFF, 0xFF, 0xFF, 0xFF] + color.dropFirst(12)) == nil)
        #expect(PNGText.value(of: "prompt", in: Data("tEXtprompt\0caf".utf8)) == nil)
    }
}
