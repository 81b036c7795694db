import Foundation
@testable import Images
import Testing

@Suite struct BadFileTests {
    static func golden(_ file: String) -> [UInt8] { try! [UInt8](Data(contentsOf: URL(filePath: ImageGoldens.path(file)))) }

    /// The error of reading `bytes`, which must be the same for photos and masks and name the file.
    static func error(_ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) -> ImageError? {
        let file = TemporaryFile(bytes)
        var errors: [ImageError?] = []
        do { _ = try ImageFile.readPhoto(file.path, name: "a00.jpg"); errors.append(nil) } catch { errors.append(error) }
        do { _ = try ImageFile.readMask(file.path, name: "a00.jpg"); errors.append(nil) } catch { errors.append(error) }
        #expect(errors[0] == errors[1], sourceLocation: sourceLocation)
        if let error = errors[0] {
            #expect(error.description.hasPrefix("a00.jpg: ") && error.description.hasSuffix("."), sourceLocation: sourceLocation)
            #expect(!error.remedy.isEmpty, sourceLocation: sourceLocation)
        }
        return errors[0]
    }

    @Test(arguments: ["sampling-420.jpg", "progressive.jpg", "gray.jpg", "cmyk.jpg", "restart.jpg"])
    func truncatedJPEG(file: String) {
        let bytes = Self.golden(file)
        #expect(Self.error(bytes) == nil)
        for count in stride(from: 4, to: bytes.count, by: 7) {
            #expect(Self.error(Array(bytes.prefix(count)))?.kind == .damaged, "\(count) of \(bytes.count)")
        }
    }

    @Test(arguments: ["rgb-8.png", "gray-16.png", "palette-alpha.png", "rgba-interlaced.png", "exif-after.png"])
    func truncatedPNG(file: String) {
        let bytes = Self.golden(file)
        for count in stride(from: 8, to: bytes.count, by: 5) {
            #expect(Self.error(Array(bytes.prefix(count)))?.kind == .damaged, "\(count) of \(bytes.count)")
        }
    }

    /// Data that stop in the middle although the end marker is there.
    @Test func hollowJPEG() {
        let bytes = Self.golden("sampling-444.jpg")
        #expect(Self.error(Array(bytes.prefix(bytes.count * 2 / 3)) + [0xFF, 0xD9])?.kind == .damaged)
    }

    /// Stray bytes between segments are what some cameras write.
    @Test func strayBytesAreHarmless() throws {
        let bytes = Self.golden("sampling-444.jpg")
        let stray = TemporaryFile(bytes.prefix(20) + [0, 0, 0] + bytes.dropFirst(20))
        #expect(try ImageFile.readPhoto(stray.path) == ImageFile.readPhoto(ImageGoldens.path("sampling-444.jpg")))
    }

    /// Oddities that harm no pixel hide no damage behind them: libjpeg tells the first only.
    @Test func damageBehindAnOddity() throws {
        let bytes = Self.golden("sampling-444.jpg"), whole = try ImageFile.readPhoto(ImageGoldens.path("sampling-444.jpg"))
        var version = bytes
        version[11] = 2   // JFIF's major version
        let odd = [version, Array(bytes.prefix(20)) + [0, 0, 0] + bytes.dropFirst(20), Array(bytes.dropLast(2)) + [0, 0, 0, 0xFF, 0xFF, 0xD9]]
        for file in odd {
            let place = TemporaryFile(file)
            #expect(try ImageFile.readPhoto(place.path) == whole)
            #expect(Self.error(Array(file.prefix(file.count * 2 / 3)) + [0xFF, 0xD9])?.kind == .damaged)
        }
        // A sector that was lost: the rest of the scan comes out too long.
        var lost = bytes
        lost.replaceSubrange(bytes.count / 2..<bytes.count / 2 + 60, with: [UInt8](repeating: 0, count: 60))
        #expect(Self.error(lost)?.kind == .damaged)
    }

    @Test func absurdSizes() {
        var jpeg = Self.golden("gray.jpg")
        let frame = jpeg.indices.first { jpeg[$0] == 0xFF && jpeg[$0 + 1] == 0xC0 }!
        jpeg.replaceSubrange(frame + 5..<frame + 9, with: [0xFF, 0xFF, 0xFF, 0xFF])
        #expect(Self.error(jpeg)?.kind == .size)
        jpeg.replaceSubrange(frame + 5..<frame + 9, with: [0, 0, 0, 9])
        #expect(Self.error(jpeg)?.kind == .size)

        for (width, height) in [(60000, 60000), (0x7FFF_FFFF, 0x7FFF_FFFF), (1, 178_956_971)] as [(UInt32, UInt32)] {
            #expect(Self.error(Self.png(width, height))?.kind == .size, "\(width)×\(height)")
        }
        #expect(Self.error(Self.png(0, 5))?.kind == .damaged)
        #expect(Self.error(Self.png(0x8000_0000, 5))?.kind == .damaged)
    }

    private static func big(_ value: UInt32) -> [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) } }

    private static func chunk(_ kind: String, _ data: [UInt8]) -> [UInt8] {
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in Array(kind.utf8) + data {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        return big(UInt32(data.count)) + Array(kind.utf8) + data + big(~crc)
    }

    /// A file that cannot hold what it declares takes no memory for it.
    @Test func declaredPixelsNeedBytes() {
        var jpeg = Self.golden("gray.jpg")
        let frame = jpeg.indices.first { jpeg[$0] == 0xFF && jpeg[$0 + 1] == 0xC0 }!
        jpeg.replaceSubrange(frame + 5..<frame + 9, with: [0x30, 0, 0x30, 0])
        #expect(Self.error(jpeg)?.problem.contains("cannot hold 12288 × 12288 pixels") == true)
        let error = Self.error(Self.png(13_000, 13_000))
        #expect(error?.kind == .damaged && error?.problem.contains("cannot hold 13000 × 13000 pixels") == true, "\(error?.description ?? "")")
    }

    @Test func scansAreCounted() {
        let bytes = Self.golden("progressive.jpg")
        let starts = bytes.indices.dropLast().filter { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xDA }
        let scan = bytes[starts[0]..<starts[1]]
        #expect(starts.count > 1 && Self.error(bytes) == nil)
        let error = Self.error(bytes[..<starts[0]] + (0..<100).flatMap { _ in scan } + bytes[starts[0]...])
        #expect(error?.kind == .unsupported && error?.problem == "a JPEG with \(100 + starts.count) scans", "\(error?.description ?? "none")")
    }

    /// A thousand short texts could be unpacked to gigabytes; fifty are more than anybody writes.
    @Test func textsAreCounted() throws {
        let golden = Self.golden("rgb-8.png"), header = golden.prefix(33), rest = golden.dropFirst(33)
        func file(_ texts: Int) -> [UInt8] { header + (0..<texts).flatMap { Self.chunk("tEXt", Array("Comment\0\($0)".utf8)) } + rest }
        #expect(Self.error(file(50)) == nil)
        let error = Self.error(file(51))
        #expect(error?.kind == .damaged && error?.problem.contains("too many texts") == true, "\(error?.description ?? "none")")
        // Colour profiles are passed over unread, but not unchecked.
        let profile = Self.chunk("iCCP", Array("x\0\0".utf8) + Array(repeating: 7, count: 40))
        #expect(Self.error(header + profile + rest) == nil)
        #expect(Self.error(header + profile.dropLast() + [profile.last! ^ 1] + rest)?.kind == .damaged)
    }

    /// A PNG of 8-bit grey that declares a size and has next to no pixels.
    static func png(_ width: UInt32, _ height: UInt32) -> [UInt8] {
        [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + chunk("IHDR", big(width) + big(height) + [8, 0, 0, 0, 0])
            + chunk("IDAT", [0x78, 0x9C, 3, 0, 0, 0, 0, 1]) + chunk("IEND", [])
    }

    @Test func foreignKinds() {
        let kinds: [(String, [UInt8])] = [
            ("WebP", Array("RIFF\u{1}\u{1}\u{1}\u{1}WEBPVP8 ".utf8)), ("GIF", Array("GIF89a".utf8)), ("HEIC", [0, 0, 0, 24] + Array("ftypheic".utf8)),
            ("AVIF", [0, 0, 0, 24] + Array("ftypavif".utf8)), ("TIFF", [0x49, 0x49, 0x2A, 0, 8, 0, 0, 0]), ("BMP", Array("BM000000".utf8)),
            ("neither a JPEG nor a PNG", Array("hello".utf8)), ("neither a JPEG nor a PNG", [0xFF, 0xD8]),
        ]
        for (name, bytes) in kinds {
            let error = Self.error(bytes)
            #expect(error?.kind == .unknownKind)
            #expect(error?.description.contains(name) == true && error?.description.contains("save it as JPEG or PNG") == true)
        }
        #expect(Self.error([])?.kind == .damaged)
    }

    @Test func noFile() {
        #expect(throws: ImageError(.unreadable, file: "/no/such.jpg", "there is no such file", remedy: "add it, or correct its name")) {
            try ImageFile.readPhoto("/no/such.jpg")
        }
        for path in [NSTemporaryDirectory(), "/dev/null"] {
            do { _ = try ImageFile.readPhoto(path); Issue.record("\(path) was read") } catch { #expect(error.kind == .notAFile) }
        }
    }

    /// Whatever the bytes are: a picture or an error, never a trap.
    @Test(arguments: ["sampling-420.jpg", "progressive.jpg", "ycck-420.jpg", "orientation-6.jpg", "xmp.jpg", "gray-2-key.png", "palette-alpha.png",
                      "rgba-interlaced.png", "raw-profile.png", "exif-before.png", "rgb-16-key.png"])
    func randomDamage(file: String) {
        let bytes = Self.golden(file)
        var state: UInt64 = 88_172_645_463_325_252
        func random(_ bound: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(bound))
        }
        for _ in 0..<300 {
            var damaged = bytes
            for _ in 0...random(3) { damaged[2 + random(bytes.count - 2)] = UInt8(random(256)) }
            _ = Self.error(damaged)
        }
    }
}
