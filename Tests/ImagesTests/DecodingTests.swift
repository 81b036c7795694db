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
        let probe = try ImageFile.probe(ImageGoldens.path(file))
        #expect(probe.width == expected.width && probe.height == expected.height)
        #expect(probe.format == (file.hasSuffix("png") ? .png : .jpeg))
    }

    @Test func everySortIsThere() {
        #expect(ImageGoldens.all.files.count == 64)
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
    }
}
