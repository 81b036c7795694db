import Images

/// Cut-outs and resized photos, so that a step does not decode the same files again. The least recently used
/// ones go first when they need more than the memory granted.
public final class PhotoCache {
    private enum Key: Hashable {
        case cutOut(path: String, maskPath: String)
        case plain(path: String, side: Int)

        var paths: [String] {
            switch self {
            case .cutOut(let path, let maskPath): [path, maskPath]
            case .plain(let path, _): [path]
            }
        }
    }

    private struct Entry {
        let value: Any
        let bytes: Int
        var lastUse: Int
    }

    private var entries: [Key: Entry] = [:]
    private var uses = 0
    /// Bytes held now.
    public private(set) var bytes = 0
    public let capacity: Int

    public static let defaultCapacity = 768 << 20

    private let didRead: (String) throws -> Void

    /// - Parameters:
    ///   - capacity: in bytes. What is asked for last is kept even if it is larger.
    ///   - didRead: is told the path of every file that was read; throws where what it held must not be used.
    public init(capacity: Int = PhotoCache.defaultCapacity, didRead: @escaping (String) throws -> Void = { _ in }) {
        (self.capacity, self.didRead) = (capacity, didRead)
    }

    /// Throws `ImageError` or `SegMixError`, like `CutOut.init`, and what `didRead` throws.
    func cutOut(of photo: Photo) throws -> CutOut {
        try value(for: .cutOut(path: photo.path, maskPath: photo.maskPath ?? "")) {
            let cutOut = try CutOut(photo)
            return (cutOut, cutOut.image.bytes.count)
        }
    }

    /// Throws `ImageError` or `SegMixError`, like `PlainPhoto.init`, and what `didRead` throws.
    func plain(_ photo: Photo, side: Int) throws -> PlainPhoto {
        try value(for: .plain(path: photo.path, side: side)) {
            let plain = try PlainPhoto(ImageFile.readPhoto(photo.path, name: photo.file), side: side, name: photo.file)
            return (plain, plain.image.bytes.count)
        }
    }

    private func value<Value>(for key: Key, make: () throws -> (Value, bytes: Int)) throws -> Value {
        uses += 1
        if let known = entries[key] {
            entries[key]!.lastUse = uses
            return known.value as! Value
        }
        let (value, size) = try make()
        try key.paths.forEach(didRead)
        while bytes + size > capacity, let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) {
            bytes -= oldest.value.bytes
            entries[oldest.key] = nil
        }
        entries[key] = Entry(value: value, bytes: size, lastUse: uses)
        bytes += size
        return value
    }
}
