import Foundation

/// Pictures from files that nobody has looked at: JPEG and PNG, told apart by their content.
public enum ImageFile {
    /// A picture of more pixels is refused before anything is allocated for it (Pillow's limit).
    public static let pixelLimit = 178_956_970

    public enum Format: Sendable { case jpeg, png }

    /// The picture upright, in RGB: EXIF orientation applied, grey spread, alpha composited on white.
    ///
    /// `name` is what the file is called in errors, its path by default. Throws `ImageError`.
    public static func readPhoto(_ path: String, name: String? = nil) throws(ImageError) -> RGBImage {
        let (pixels, orientation) = try decode(path, name ?? path, scalesGray: true)
        return pixels.photo.upright(from: orientation)
    }

    /// The picture upright, in grey (ITU-R 601-2 luma); alpha is ignored. Throws `ImageError`.
    public static func readMask(_ path: String, name: String? = nil) throws(ImageError) -> GrayImage { try openMask(path, name: name).mask }

    /// The same, with what else its file says: whether some of it is transparent, and how it lies there. Throws `ImageError`.
    public static func openMask(_ path: String, name: String? = nil) throws(ImageError) -> (mask: GrayImage, isTransparent: Bool, orientation: Orientation) {
        let (pixels, orientation) = try decode(path, name ?? path, scalesGray: false)
        return (pixels.luma.upright(from: orientation), pixels.isTransparent, orientation)
    }

    /// How a picture lies in its file. Throws `ImageError`.
    public static func orientation(_ path: String, name: String? = nil) throws(ImageError) -> Orientation {
        let file = name ?? path, data = try read(path, file)
        switch try format(of: data, file) {
        case .jpeg: return try JPEGStructure(data, file: file).orientation
        case .png:
            guard PNGDecoder.mayBeTurned(data) else { return .upright }
            return try decode(path, file, scalesGray: true).1
        }
    }

    private static func decode(_ path: String, _ file: String, scalesGray: Bool) throws(ImageError) -> (DecodedPixels, Orientation) {
        let data = try read(path, file)
        switch try format(of: data, file) {
        case .jpeg:
            let structure = try JPEGStructure(data, file: file)
            try check(structure.width, structure.height, file)
            try structure.requireEnough(data, file: file)
            return (try JPEGDecoder.decode(data, structure, file: file), structure.orientation)
        case .png:
            let decoder = try PNGDecoder(data, file: file)
            try check(decoder.width, decoder.height, file)
            try decoder.requireEnoughData()
            let pixels = try decoder.pixels(scalesGray: scalesGray)
            return (pixels, try decoder.orientation())
        }
    }

    private static func check(_ width: Int, _ height: Int, _ file: String) throws(ImageError) {
        guard width > 0 && height > 0 else {
            throw ImageError(.size, file: file, "it declares a size of \(width) × \(height) pixels", remedy: "copy it again from its source")
        }
        let (pixels, overflow) = width.multipliedReportingOverflow(by: height)
        guard !overflow && pixels <= pixelLimit else {
            throw ImageError(.size, file: file, "it declares \(width) × \(height) pixels, more than the \(pixelLimit) that are read here", remedy: "scale it down")
        }
    }

    private static func read(_ path: String, _ file: String) throws(ImageError) -> [UInt8] {
        var information = stat()
        guard stat(path, &information) == 0 else { throw error(errno, file) }
        guard information.st_mode & S_IFMT == S_IFREG else {
            throw ImageError(.notAFile, file: file, "it is not a regular file", remedy: "put a JPEG or PNG picture there")
        }
        guard information.st_size > 0 else {
            throw ImageError(.damaged, file: file, "the file is empty", remedy: "copy it again from its source")
        }
        guard information.st_size < 1 << 30 else {
            throw ImageError(.size, file: file, "the file has \(information.st_size) bytes, more than the 1 GiB that are read here", remedy: "scale the picture down")
        }
        // Exchanged for a pipe in this moment it would be waited for.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { throw error(errno, file) }
        defer { close(descriptor) }
        let size = Int(information.st_size)
        var code: Int32 = 0
        let data = [UInt8](unsafeUninitializedCapacity: size) { out, count in
            while count < size {
                let taken = Foundation.read(descriptor, out.baseAddress! + count, size - count)
                if taken < 0 && errno == EINTR { continue }
                if taken < 0 { code = errno }
                if taken <= 0 { break }
                count += taken
            }
        }
        guard code == 0 else { throw error(code, file) }
        guard data.count == size else {
            throw ImageError(.unreadable, file: file, "only \(data.count) of its \(size) bytes can be read", remedy: "check the disk, and copy the file again")
        }
        return data
    }

    /// What the system said when a file was to be opened or read.
    private static func error(_ code: Int32, _ file: String) -> ImageError {
        let reason = "it cannot be read (\(String(cString: strerror(code))))"
        return switch code {
        case ENOENT, ENOTDIR: ImageError(.unreadable, file: file, "there is no such file", remedy: "add it, or correct its name")
        case EACCES, EPERM: ImageError(.unreadable, file: file, reason, remedy: "check its permissions")
        case ELOOP, ENAMETOOLONG, ENXIO, ENODEV, EISDIR: ImageError(.unreadable, file: file, reason, remedy: "put the file itself there")
        default: ImageError(.inputOutput, file: file, reason, remedy: "check the disk or the share, then run it again")
        }
    }

    /// JPEG and PNG by their first bytes; other kinds are refused by name.
    private static func format(of data: [UInt8], _ file: String) throws(ImageError) -> Format {
        if data.starts(with: [0xFF, 0xD8, 0xFF]) { return .jpeg }
        if data.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) { return .png }
        if let kind = foreignKind(data) {
            throw ImageError(.unknownKind, file: file, "it is a \(kind) file, which is not read here", remedy: "save it as JPEG or PNG")
        }
        throw ImageError(.unknownKind, file: file, "it is neither a JPEG nor a PNG picture", remedy: "save it as JPEG or PNG")
    }

    private static func foreignKind(_ data: [UInt8]) -> String? {
        func has(_ text: String, at offset: Int = 0) -> Bool { data.dropFirst(offset).starts(with: Array(text.utf8)) }
        if has("RIFF"), has("WEBP", at: 8) { return "WebP" }
        if has("GIF8") { return "GIF" }
        if has("BM") { return "BMP" }
        if has("8BPS") { return "Photoshop" }
        if has("%PDF") { return "PDF" }
        if has("<svg") || has("<?xml") { return "SVG or XML" }
        if has("ftyp", at: 4) {
            if ["avif", "avis"].contains(where: { has($0, at: 8) }) { return "AVIF" }
            if ["heic", "heix", "hevc", "mif1", "msf1", "heim", "heis"].contains(where: { has($0, at: 8) }) { return "HEIC" }
            return "video or HEIC"
        }
        if data.starts(with: [0x49, 0x49, 0x2A, 0]) || data.starts(with: [0x4D, 0x4D, 0, 0x2A]) { return "TIFF or camera raw" }
        if data.starts(with: [0xFF, 0x0A]) || data.starts(with: [0, 0, 0, 0x0C, 0x4A, 0x58, 0x4C]) { return "JPEG XL" }
        if data.starts(with: [0, 0, 0, 0x0C, 0x6A, 0x50]) { return "JPEG 2000" }
        return nil
    }
}
