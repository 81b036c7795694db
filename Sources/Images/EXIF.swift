/// What a camera wrote beside the pixels. Only the orientation matters here.
enum EXIF {
    /// The orientation in an EXIF block: a TIFF file (TIFF 6.0, section 2), with or without `Exif\0\0` before it.
    ///
    /// Found but out of 1…8 is `.upright`; nil where the block has none or is malformed.
    static func orientation(in block: some Collection<UInt8>) -> Orientation? {
        var tiff = Array(block)
        let prefix: [UInt8] = [0x45, 0x78, 0x69, 0x66, 0, 0]
        for _ in 0..<2 where tiff.starts(with: prefix) { tiff.removeFirst(prefix.count) }
        guard tiff.count >= 8 else { return nil }

        let bigEndian: Bool
        switch (tiff[0], tiff[1], tiff[2], tiff[3]) {
        case (0x4D, 0x4D, 0, 0x2A), (0x4D, 0x4D, 0x2A, 0): bigEndian = true
        case (0x49, 0x49, 0x2A, 0), (0x49, 0x49, 0, 0x2A): bigEndian = false
        default: return nil
        }
        /// An unsigned number of `size` bytes, nil outside the block.
        func number(_ offset: Int, _ size: Int) -> Int? {
            guard offset >= 0, offset <= tiff.count - size else { return nil }
            var value = 0
            for i in 0..<size { value = value << 8 | Int(tiff[offset + (bigEndian ? i : size - 1 - i)]) }
            return value
        }

        guard let directory = number(4, 4), let entries = number(directory, 2) else { return nil }
        var outside = 0
        for i in 0..<entries {
            let entry = directory + 2 + 12 * i
            guard let tag = number(entry, 2), let type = number(entry + 2, 2),
                  let count = number(entry + 4, 4), let offset = number(entry + 8, 4) else { return nil }
            let size: Int
            switch type {
            case 1, 2, 6, 7: size = 1         // BYTE, ASCII, SBYTE, UNDEFINED
            case 3, 8: size = 2               // SHORT, SSHORT
            case 4, 9, 11, 13: size = 4       // LONG, SLONG, FLOAT, IFD
            case 5, 10, 12, 16: size = 8      // RATIONAL, SRATIONAL, DOUBLE, LONG8
            default: continue
            }
            // Like Pillow, an entry is passed over where the data of all do not fit into the block together, and
            // what follows an entry that points outside is not believed.
            var place = entry + 8
            if count * size > 4 {
                outside += count * size
                guard outside <= tiff.count else { continue }
                guard offset + count * size <= tiff.count else { return nil }
                place = offset
            }
            // More than one value is against the standard; the first one counts. So does the first entry of
            // this tag, even where it is of a type that means nothing.
            guard tag == 0x0112, count > 0, let value = number(place, size) else { continue }
            return [3, 4, 6, 8, 9, 13].contains(type) ? Orientation(rawValue: value) ?? .upright : .upright
        }
        return nil
    }

    /// The orientation in an XMP packet: the digit after `tiff:Orientation="` or `tiff:Orientation>`.
    static func orientation(inXMP packet: some Collection<UInt8>) -> Orientation? {
        let text = Array(packet), name = Array("tiff:Orientation".utf8)
        guard text.count > name.count else { return nil }
        for start in 0..<(text.count - name.count) where text[start..<start + name.count].elementsEqual(name) {
            var rest = text[(start + name.count)...]
            if rest.starts(with: Array("=\"".utf8)) { rest = rest.dropFirst(2) }
            else if rest.first == UInt8(ascii: ">") { rest = rest.dropFirst() }
            else { continue }
            guard let digit = rest.first, (0x30...0x39).contains(digit) else { continue }
            return Orientation(rawValue: Int(digit) - 0x30) ?? .upright
        }
        return nil
    }

    /// The block in a PNG text chunk `Raw profile type exif`: three lines of heading, then hexadecimal digits.
    static func block(inRawProfile text: some Collection<UInt8>) -> [UInt8]? {
        let lines = text.split(separator: 0x0A, omittingEmptySubsequences: false).dropFirst(3)
        var block: [UInt8] = [], half: UInt8?
        for character in lines.joined() {
            let digit: UInt8
            switch character {
            case 0x30...0x39: digit = character - 0x30
            case 0x41...0x46: digit = character - 0x41 + 10
            case 0x61...0x66: digit = character - 0x61 + 10
            case 0x09...0x0D, 0x20: continue
            default: return nil
            }
            if let high = half {
                block.append(high << 4 | digit)
                half = nil
            } else {
                half = digit
            }
        }
        return half == nil ? block : nil
    }
}
