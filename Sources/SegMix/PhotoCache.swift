import Images

/// Cut-outs and resized photos, so that a step does not decode the same files again. The least recently used
/// ones go first when they need more than the memory granted.
public final class PhotoCache {
    private enum Key: Hashable {
        case cutOut(path: String, maskPath: String)
        case plain(path: String, side: Int)
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

    /// `capacity`: in bytes. What is asked for last is kept even if it is larger.
    public init(capacity: Int = PhotoCache.defaultCapacity) { self.capacity = capacity }

    /// Throws `ImageError` or `SegMixError`, like `CutOut.init`.
    func cutOut(of photo: Photo) throws -> CutOut {
        try value(for: .cutOut(path: photo.path, maskPath: photo.maskPath ?? "")) {
            let cutOut = try CutOut(photo)
            return (cutOut, cutOut.image.bytes.count)
        }
    }

    /// Throws `ImageError` or `SegMixError`, like `PlainPhoto.init`.
    func plain(_ photo: Photo, side: Int) throws -> PlainPhoto {
        try value(for: .plain(path: photo.path, side: side)) {
            let plain = try PlainPhoto(ImageFile.readPhoto(photo.path, name: photo.file), side: side, name: photo.file)
            return (plain, plain.image.bytes.count)
        }
    }

    private func value<Value>(for key: Key, make: () throws -> (Value, bytes: Int)) rethrows -> Value {
        uses += 1
        if let known = entries[key] {
            entries[key]!.lastUse = uses
            return known.value as! Value
        }
        let (value, size) = try make()
        while bytes + size > capacity, let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) {
            bytes -= oldest.value.bytes
            entries[oldest.key] = nil
        }
        entries[key] = Entry(value: value, bytes: size, lastUse: uses)
        bytes += size
        return value
    }
}
