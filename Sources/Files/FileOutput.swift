import Foundation

/// A file being written from its beginning to its end, in pieces of any size. Small pieces are gathered.
public final class FileOutput {
    /// The name in error messages: the file as the user knows it, not the temporary.
    private let path: String
    private var descriptor: Int32
    private var pending: [UInt8] = []
    private static let gathered = 1 << 18

    /// Bytes written so far.
    public private(set) var count = 0

    /// Creates `temporary`, which must not exist; errors speak of `path`.
    init(creating temporary: String, for path: String, mode: mode_t) throws {
        self.path = path
        descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw FileError("write", path, code: errno) }
        pending.reserveCapacity(Self.gathered)
    }

    deinit { abandon() }

    /// Appends `bytes`.
    public func write(_ bytes: UnsafeRawBufferPointer) throws {
        precondition(descriptor >= 0, "FileOutput: \(path) is closed")
        count += bytes.count
        if pending.count + bytes.count <= Self.gathered {
            pending.append(contentsOf: bytes)
            return
        }
        try drain()
        if bytes.count < Self.gathered {
            pending.append(contentsOf: bytes)
        } else {
            try store(bytes)
        }
    }

    public func write(_ data: Data) throws { try data.withUnsafeBytes { try write($0) } }

    public func write(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try write($0) } }

    /// Appends `text` in UTF-8.
    public func write(_ text: String) throws { try write([UInt8](text.utf8)) }

    /// Appends `count` elements as they lie in memory (little-endian on every machine this runs on).
    public func write(_ values: [Float]) throws { try values.withUnsafeBytes { try write($0) } }

    /// Flushes everything to the disk and closes.
    func finish() throws {
        try drain()
        var status = fsync(descriptor)
        while status != 0 && errno == EINTR { status = fsync(descriptor) }
        guard status == 0 else { throw FileError("write", path, code: errno) }
        let closing = descriptor
        descriptor = -1
        // Linux has released the descriptor even where close was interrupted.
        guard close(closing) == 0 || errno == EINTR else { throw FileError("write", path, code: errno) }
    }

    /// Closes without caring for the contents.
    func abandon() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
    }

    private func drain() throws {
        try pending.withUnsafeBytes { try store($0) }
        pending.removeAll(keepingCapacity: true)
    }

    private func store(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = UnsafeRawBufferPointer(rebasing: rest)
            // Linux writes at most 2 GiB - 4 KiB in one call.
            let written = Foundation.write(descriptor, piece.baseAddress, min(piece.count, 1 << 30))
            if written < 0 {
                if errno == EINTR { continue }
                throw FileError("write", path, code: errno)
            }
            rest = rest.dropFirst(written)
        }
    }
}
