import Files

/// The header of a safetensors file, checked against the file's size before anything is believed:
///
///     u64 little-endian n · n bytes of JSON, `{"name": {"dtype", "shape", "data_offsets": [begin, end]}, …}` · data
///
/// As the reference implementation demands, the tensors cover the data without overlap and without a hole.
struct SafetensorsHeader {
    struct Entry {
        let name: String
        let type: SafetensorsType
        let shape: [Int]
        /// Where its bytes lie, counted from the beginning of the data.
        let range: Range<Int>
    }

    /// In the order of their bytes.
    let entries: [Entry]
    let metadata: [String: String]
    /// Where the data begins in the file.
    let dataStart: Int

    /// The reference implementation's limit.
    static let largest = 100_000_000

    /// - Throws: `SafetensorsError` that speaks of `path`.
    init(_ file: UnsafeRawBufferPointer, path: String) throws {
        let lfs = "version https://git-lfs"
        if file.starts(with: lfs.utf8) {
            throw SafetensorsError(path, "this is a Git LFS pointer, not the weights", remedy: "Fetch them with git lfs pull")
        }
        guard file.count >= 8 else {
            throw SafetensorsError(path, "the file has \(file.count) bytes and no header; a safetensors file has at least 8")
        }
        let length = UInt64(littleEndian: file.loadUnaligned(as: UInt64.self))
        guard length <= UInt64(Self.largest) else {
            throw SafetensorsError(path, "the header claims \(length) bytes; at most \(Self.largest) are allowed")
        }
        guard length <= UInt64(file.count - 8) else {
            throw SafetensorsError(path, "the header claims \(length) bytes but only \(file.count - 8) follow: the file is cut off")
        }
        dataStart = 8 + Int(length)
        let text = UnsafeRawBufferPointer(rebasing: file[8..<dataStart])
        guard text.first == UInt8(ascii: "{") else {
            throw SafetensorsError(path, "the header does not begin with {")
        }
        let json: JSON
        do {
            json = try JSON(text)
        } catch {
            throw SafetensorsError(path, "the header cannot be read: \(error)")
        }

        var metadata: [String: String] = [:]
        var entries: [Entry] = []
        for member in json.members! {
            let name = member.name, value = member.value
            if name == "__metadata__" {
                guard let members = value.members else {
                    throw SafetensorsError(path, "__metadata__ is \(value.kind), not an object of texts")
                }
                for member in members {
                    guard let text = member.value.string else {
                        throw SafetensorsError(path, "__metadata__ holds \(member.value.kind) under \"\(member.name)\", not a text")
                    }
                    metadata[member.name] = text
                }
            } else {
                entries.append(try Self.entry(name, value, path: path))
            }
        }
        entries.sort { ($0.range.lowerBound, $0.range.upperBound, $0.name) < ($1.range.lowerBound, $1.range.upperBound, $1.name) }
        try Self.checkCover(entries, size: file.count - dataStart, path: path)
        self.entries = entries
        self.metadata = metadata
    }

    private static func entry(_ name: String, _ value: JSON, path: String) throws -> Entry {
        func fault(_ reason: String) -> SafetensorsError { SafetensorsError(path, tensor: name, reason) }

        guard value.members != nil else { throw fault("its description is \(value.kind), not an object") }
        guard let typeName = value["dtype"]?.string else { throw fault("it has no dtype") }
        guard let type = SafetensorsType(rawValue: typeName) else { throw fault("the dtype \(JSON.quoted(typeName)) is unknown") }
        guard let sizes = value["shape"]?.elements else { throw fault("it has no shape") }
        var shape: [Int] = []
        var bytes = type.byteCount
        for size in sizes {
            guard let size = size.integer, size >= 0 else { throw fault("its shape holds something other than whole numbers from 0 on") }
            let (product, overflow) = bytes.multipliedReportingOverflow(by: size)
            guard !overflow else { throw fault("its shape is too large for any memory") }
            bytes = product
            shape.append(size)
        }
        guard let offsets = value["data_offsets"]?.elements, offsets.count == 2,
              let begin = offsets[0].integer, let end = offsets[1].integer, begin >= 0
        else { throw fault("its data_offsets are not two whole numbers from 0 on") }
        guard begin <= end else { throw fault("its data_offsets [\(begin), \(end)] end before they begin") }
        guard end - begin == bytes else {
            throw fault("\(type.rawValue) \(shape) takes \(bytes) bytes, its data_offsets hold \(end - begin)")
        }
        return Entry(name: name, type: type, shape: shape, range: begin..<end)
    }

    private static func checkCover(_ entries: [Entry], size: Int, path: String) throws {
        var covered = 0
        for entry in entries {
            guard entry.range.upperBound <= size else {
                throw SafetensorsError(
                    path, tensor: entry.name, "its data should end at byte \(entry.range.upperBound), the file holds \(size): it is cut off")
            }
            guard entry.range.lowerBound >= covered else {
                throw SafetensorsError(path, tensor: entry.name, "its data overlaps that of another tensor")
            }
            guard entry.range.lowerBound == covered else {
                throw SafetensorsError(
                    path, tensor: entry.name, "its data begins at byte \(entry.range.lowerBound) where \(covered) should come: there is a hole")
            }
            covered = entry.range.upperBound
        }
        guard covered == size else {
            throw SafetensorsError(path, "the tensors cover \(covered) bytes of data, the file holds \(size)")
        }
    }
}
