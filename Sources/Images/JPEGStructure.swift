/// The markers of a JPEG file (ITU-T T.81, annex B), read without decoding anything.
struct JPEGStructure {
    var width = 0, height = 0
    /// 1 grey, 3 colour, 4 CMYK or YCCK.
    var components = 0
    var orientation: Orientation = .upright
    /// Its codes can be shorter than a bit.
    private var isArithmetic = false

    /// Walks all markers to the end of the image.
    ///
    /// Throws `ImageError` where the file ends before the image does, where it has no frame, and for what is
    /// not supported: 12-bit samples, other numbers of components, scans without end.
    init(_ data: [UInt8], file: String) throws(ImageError) {
        let cutShort = ImageError(.damaged, file: file, "the JPEG is cut short", remedy: "copy it again from its source")
        func damaged(_ what: String) -> ImageError {
            ImageError(.damaged, file: file, "the JPEG is damaged (\(what))", remedy: "copy it again from its source")
        }
        var exif: [UInt8] = [], xmp: ArraySlice<UInt8>?
        var scans = 0
        let exifName: [UInt8] = Array("Exif\0\0".utf8), xmpName: [UInt8] = Array("http://ns.adobe.com/xap/1.0/\0".utf8)
        var at = 2
        walk: while true {
            // To the next marker; what lies between is entropy-coded data, or rubbish the decoder skips too.
            guard let marker = Self.nextMarker(data, &at) else { throw cutShort }
            switch marker {
            case 0xD9:
                break walk
            case 0xD0...0xD8, 0x01:
                continue walk
            default:
                break
            }
            guard at + 2 <= data.count else { throw cutShort }
            let length = Int(data[at]) << 8 | Int(data[at + 1])
            guard length >= 2 else { throw damaged("a segment of length \(length)") }
            guard at + length <= data.count else { throw cutShort }
            let segment = data[(at + 2)..<(at + length)]
            at += length
            switch marker {
            case 0xC0...0xC3, 0xC5...0xC7, 0xC9...0xCB, 0xCD...0xCF:
                guard components == 0 else { throw damaged("two frames") }
                guard segment.count >= 6 else { throw damaged("a short frame header") }
                let s = Array(segment)
                isArithmetic = marker >= 0xC9
                (height, width, components) = (Int(s[1]) << 8 | Int(s[2]), Int(s[3]) << 8 | Int(s[4]), Int(s[5]))
                guard s[0] == 8 else {
                    throw ImageError(.unsupported, file: file, "a JPEG with \(s[0]) bits per sample", remedy: "save it as an ordinary 8-bit JPEG or as PNG")
                }
            case 0xDA:
                scans += 1
            // What comes after the first scan Pillow does not read.
            case 0xE1 where scans == 0 && segment.starts(with: exifName):
                exif += segment.dropFirst(exifName.count)
            case 0xE1 where scans == 0 && segment.starts(with: xmpName):
                xmp = segment.dropFirst(xmpName.count)
            default:
                break
            }
        }
        guard components > 0 else { throw damaged("no frame header") }
        guard [1, 3, 4].contains(components) else {
            throw ImageError(.unsupported, file: file, "a JPEG with \(components) colour components", remedy: "save it as an ordinary RGB JPEG or as PNG")
        }
        // Each goes over all pixels; encoders write some ten.
        guard scans <= 100 else {
            throw ImageError(.unsupported, file: file, "a JPEG with \(scans) scans", remedy: "save it as an ordinary JPEG or as PNG")
        }
        orientation = EXIF.orientation(in: exif) ?? xmp.flatMap { EXIF.orientation(inXMP: $0) } ?? .upright
    }

    /// A block of 8 × 8 takes a bit at the least, and at least one component has a block for every 256 pixels: what is shorter than that
    /// takes no memory for what it declares.
    func requireEnough(_ data: [UInt8], file: String) throws(ImageError) {
        guard isArithmetic || width * height / 2048 <= data.count else {
            throw ImageError(
                .damaged, file: file, "the JPEG is damaged or cut short (\(data.count) bytes cannot hold \(width) × \(height) pixels)",
                remedy: "copy it again from its source")
        }
    }

    /// The file as an encoder without oddities would have written it: no bytes between the segments before the first scan, and of JFIF's
    /// version, Adobe's transform and the spectral selection of a sequential scan what decoders take them for.
    static func plain(_ data: [UInt8], components: Int) -> [UInt8] {
        var out: [UInt8] = [0xFF, 0xD8], at = 2, scans = 0, isSequential = false
        while case let before = at, let marker = nextMarker(data, &at) {
            if scans > 0 { out += data[before..<(at - 2)] }
            out += [0xFF, marker]
            if marker == 0xD9 { break }
            if (0xD0...0xD8).contains(marker) || marker == 0x01 { continue }
            guard at + 2 <= data.count, case let length = Int(data[at]) << 8 | Int(data[at + 1]), length >= 2, at + length <= data.count else { return data }
            var segment = Array(data[at..<(at + length)])
            at += length
            switch marker {
            case 0xC0...0xC3, 0xC5...0xC7, 0xC9...0xCB, 0xCD...0xCF:
                isSequential = [0xC0, 0xC1, 0xC9].contains(marker)
            case 0xE0 where length >= 9 && segment[2..<7].elementsEqual("JFIF\0".utf8): segment[7] = 1
            case 0xEE where length >= 14 && segment[2..<7].elementsEqual("Adobe".utf8):
                let coded: UInt8 = components == 4 ? 2 : 1
                if segment[13] != 0 { segment[13] = coded }
            case 0xDA:
                scans += 1
                if isSequential, length >= 6 { segment.replaceSubrange((length - 3)..<length, with: [0, 63, 0]) }
            default: break
            }
            out += segment
        }
        return out
    }

    /// The file without the `count` bytes of padding before the first such marker that has as many; nil where none has.
    static func withoutPadding(_ data: [UInt8], _ count: Int, before wanted: UInt8) -> [UInt8]? {
        var at = 2
        while count > 0, let marker = nextMarker(data, &at) {
            let start = at - 2
            if marker == wanted, start - count >= 2, data[(start - count)..<start].allSatisfy({ $0 == 0 || $0 == 0xFF }) {
                return Array(data[..<(start - count)] + data[start...])
            }
            if marker == 0xD9 { return nil }
            if (0xD0...0xD8).contains(marker) || marker == 0x01 { continue }
            guard at + 2 <= data.count else { return nil }
            at += max(2, Int(data[at]) << 8 | Int(data[at + 1]))
            if at > data.count { return nil }
        }
        return nil
    }

    /// The code of the next marker at or after `at`, and `at` behind it.
    private static func nextMarker(_ data: [UInt8], _ at: inout Int) -> UInt8? {
        data.withUnsafeBufferPointer { bytes in
            var i = at
            while i + 1 < bytes.count {
                // FF 00 is a data byte, FF FF a fill byte.
                if bytes[i] == 0xFF, bytes[i + 1] != 0, bytes[i + 1] != 0xFF {
                    at = i + 2
                    return bytes[i + 1]
                }
                i += 1
            }
            at = bytes.count
            return nil
        }
    }
}
