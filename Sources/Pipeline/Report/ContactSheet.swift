import Files
import Foundation
import Images
import SegMix

/// All pictures of a render on one: reference photos at the left, a row for each prompt, seed and γ under each picture.
struct ContactSheet {
    struct Cell {
        let image: RGBImage, caption: String
    }

    /// Subjects' phrases, each with a few of its photos.
    let references: [(title: String, images: [RGBImage])]
    let rows: [(title: String, cells: [Cell])]
    /// Pictures that `rows` does not have.
    var others = 0

    static let cellSide = 256
    /// More pictures of one prompt go on in the next line.
    static let columns = 6
    private static let gap = 12
    /// Nobody reads a sheet of hundreds.
    private static let mostPictures = 120

    /// As large as it may be inside a square.
    static func thumbnail(_ image: RGBImage, side: Int) -> RGBImage {
        let scale = Double(side) / Double(max(image.width, image.height))
        func scaled(_ length: Int) -> Int { max(1, min(side, Int((Double(length) * scale).rounded()))) }
        return image.resized(width: scaled(image.width), height: scaled(image.height), .lanczos)
    }

    func write(to path: String) throws { try AtomicFile.write(PNGEncoder.encode(drawn()), to: path) }

    /// The sheet. Where the machine has no font, it comes without its texts.
    func drawn() -> RGBImage {
        let gap = Self.gap, side = Self.cellSide, titles = Typeface(pixels: 17), captions = Typeface(pixels: 13)
        let columns = min(Self.columns, max(rows.map(\.cells.count).max() ?? 1, 1))
        let left = references.isEmpty ? gap : 2 * gap + side
        let width = max(left + columns * (side + gap), left + 2 * (side + gap))
        var steps: [(inout RGBImage) -> Void] = []
        func text(_ line: String, _ face: Typeface?, x: Int, y: Int, _ color: (UInt8, UInt8, UInt8)) {
            if let face { steps.append { face.draw(line, on: &$0, x: x, y: y, color: color) } }
        }
        func paste(_ image: RGBImage, x: Int, y: Int) { steps.append { $0.paste(image, x: x, y: y) } }

        var low = gap
        for (title, images) in references {
            for line in titles?.lines(title, width: side, limit: 2) ?? [] {
                text(line, titles, x: gap, y: low, (20, 20, 20))
                low += titles!.lineHeight
            }
            low += 4
            for start in stride(from: 0, to: images.count, by: 2) {
                let pair = images[start..<min(start + 2, images.count)]
                for (i, image) in pair.enumerated() { paste(image, x: gap + i * ((side - 8) / 2 + 8), y: low) }
                low += (pair.map(\.height).max() ?? 0) + 8
            }
            low += gap
        }

        var y = gap, room = Self.mostPictures
        for (title, all) in rows where room > 0 {
            let cells = all.prefix(room)
            room -= cells.count
            for line in titles?.lines(title, width: width - left - gap, limit: 3) ?? [] {
                text(line, titles, x: left, y: y, (20, 20, 20))
                y += titles!.lineHeight
            }
            y += 4
            for start in stride(from: 0, to: cells.count, by: columns) {
                let line = cells[start..<min(start + columns, cells.count)], height = line.map(\.image.height).max() ?? 0
                for (i, cell) in line.enumerated() {
                    let x = left + i * (side + gap)
                    paste(cell.image, x: x, y: y)
                    if let caption = captions?.lines(cell.caption, width: side, limit: 1).first { text(caption, captions, x: x, y: y + height + 3, (70, 70, 70)) }
                }
                y += height + (captions.map { $0.lineHeight + 3 } ?? 0) + gap
            }
            y += gap / 2
        }
        let rest = others + rows.reduce(-Self.mostPictures + room) { $0 + $1.cells.count }
        if rest > 0, let titles {
            text("and \(rest) more in samples", titles, x: left, y: y, (20, 20, 20))
            y += titles.lineHeight + gap
        }
        var sheet = RGBImage(width: width, height: max(y, low, 2 * gap), filledWith: 255)
        for step in steps { step(&sheet) }
        return sheet
    }
}

extension ContactSheet {
    /// From files: pictures in the order in which they were asked for, and the job's photos.
    /// - Throws: `ImageError`.
    init(pictures: [(path: String, record: RenderedPicture)], references subjects: SubjectSet?) throws {
        var rows: [(title: String, cells: [Cell])] = []
        for (path, record) in pictures.prefix(Self.mostPictures) {
            if rows.last?.title != record.prompt { rows.append((record.prompt, [])) }
            rows[rows.count - 1].cells.append(try Cell(path, name: record.file, caption: record.caption))
        }
        self.init(references: try subjects.map(Self.references) ?? [], rows: rows, others: max(0, pictures.count - Self.mostPictures))
    }

    /// Some photos of each subject.
    /// - Throws: `ImageError`.
    static func references(_ subjects: SubjectSet) throws -> [(title: String, images: [RGBImage])] {
        // A column of all of hundreds would be longer than a picture can be.
        try subjects.subjects.prefix(40).map { subject in
            let photos = subjects.photos.filter { $0.subject == subject.key }.prefix(4)
            let side = photos.count > 1 ? (cellSide - 8) / 2 : cellSide
            return (title: subject.phrase, images: try photos.map { try thumbnail(ImageFile.readPhoto($0.path, name: $0.file), side: side) })
        }
    }
}

extension ContactSheet.Cell {
    /// A picture from its file.
    /// - Throws: `ImageError`.
    init(_ path: String, name: String, caption: String) throws {
        self.init(image: try ContactSheet.thumbnail(ImageFile.readPhoto(path, name: name), side: ContactSheet.cellSide), caption: caption)
    }
}

extension RGBImage {
    /// Copies `image`, all of which lies inside, to (x, y).
    mutating func paste(_ image: RGBImage, x: Int, y: Int) {
        precondition(x >= 0 && y >= 0 && x + image.width <= width && y + image.height <= height, "paste: \(image.width)×\(image.height) at (\(x), \(y)) of \(width)×\(height)")
        for row in 0..<image.height {
            let to = 3 * ((y + row) * width + x), from = 3 * row * image.width
            bytes.replaceSubrange(to..<to + 3 * image.width, with: image.bytes[from..<from + 3 * image.width])
        }
    }
}
