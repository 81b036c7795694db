import CFiles
import Files
import Foundation
import Tensors

/// A file's bytes in memory, read-only, as the system pages them in; unmapped with the last reference.
///
/// Of a file on another machine the local copy is mapped, where `LocalCopies` keeps one; a copy that cannot be read is removed. A
/// file that is cut short or out of reach while its bytes are read ends the process with a sentence and exit status 74, not by
/// SIGBUS; one that is written to is found by `MappedFiles.requireUnchanged`.
final class MappedFile: RereadableMemory {
    private let place: LocalCopies.Place
    private let descriptor: Int32
    private let bytes: UnsafeRawBufferPointer
    private let watch: OpaquePointer?
    private let registration: MappedFiles.Registration?

    /// - Throws: `FileError` where it cannot be opened or is not a regular file.
    init(_ path: String) throws {
        var place = try LocalCopies.place(for: path)
        let opened: Opened
        do throws(FileError) { opened = try Opened(place.path) } catch {
            // What is wrong with a copy is not wrong with its original.
            guard place.original != nil, ![EMFILE, ENFILE, ENOMEM].contains(error.code) else { throw error }
            unlink(place.path)
            place = .init(path: path)
            opened = try Opened(path)
        }
        (self.place, descriptor, bytes) = (place, opened.descriptor, opened.bytes)
        guard !bytes.isEmpty else {
            close(descriptor)
            (watch, registration) = (nil, nil)
            return
        }
        let lost = place.lost("while it was in use it was cut short, or its disk or network share went away")
        watch = cfiles_watch_mapping(bytes.baseAddress, bytes.count, lost.description + "\n", place.original == nil ? nil : place.path)
        registration = MappedFiles.add(place, descriptor: descriptor, opened.status)
    }

    /// A file's bytes and the descriptor that they were mapped through.
    private struct Opened {
        let descriptor: Int32, status: stat, bytes: UnsafeRawBufferPointer

        init(_ path: String) throws(FileError) {
            descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
            guard descriptor >= 0 else { throw FileError("read", path, code: errno) }
            do throws(FileError) { (status, bytes) = try Self.map(descriptor, path) } catch {
                close(descriptor)
                throw error
            }
        }

        private static func map(_ descriptor: Int32, _ path: String) throws(FileError) -> (stat, UnsafeRawBufferPointer) {
            var status = stat()
            guard fstat(descriptor, &status) == 0 else { throw FileError("read", path, code: errno) }
            guard status.st_mode & S_IFMT == S_IFREG else {
                throw FileError("read", path, reason: "it is not a regular file", remedy: "Name the file itself")
            }
            let size = Int(status.st_size)
            guard size > 0 else { return (status, UnsafeRawBufferPointer(start: nil, count: 0)) }
            // A file that gives nothing at all is better found here than by a signal.
            let first = UnsafeMutableRawBufferPointer.allocate(byteCount: 1, alignment: 1)
            defer { first.deallocate() }
            try Folder.fill(first, from: descriptor, path, at: 0)
            let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0)
            guard let address, address != MAP_FAILED else {
                guard errno == ENODEV else { throw FileError("map", path, code: errno) }
                throw FileError(
                    "map", path, code: ENODEV, reason: "its file system does not let files be mapped, as a share that is mounted with direct_io",
                    remedy: "Put the model on another disk, or mount the share otherwise; of a share a copy in `state` of the configuration is used where `cache_size` and the disk have room for it")
            }
            return (status, UnsafeRawBufferPointer(start: address, count: size))
        }
    }

    /// Gives `body` the bytes piece by piece, read anew from the very file that is mapped, whatever lies at its path by now.
    /// - Throws: `FileError` where they cannot be read, and what `body` throws.
    func pieces(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        guard !bytes.isEmpty else { return }
        let count = try LocalCopies.pieces(of: descriptor, place.path, body)
        guard count == bytes.count else { throw place.lost("while it was in use its size changed from \(bytes.count) to \(count) bytes") }
    }

    /// The bytes; valid only inside `body`, unless something else keeps this object.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try withExtendedLifetime(self) { try body(bytes) }
    }

    /// The whole pages among them leave the process; the system keeps the file cached as long as it likes.
    func letGo(_ part: UnsafeRawBufferPointer) {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let start = (Int(bitPattern: part.baseAddress) + page - 1) / page * page
        let end = (Int(bitPattern: part.baseAddress) + part.count) / page * page
        if start < end { madvise(UnsafeMutableRawPointer(bitPattern: start), end - start, MADV_DONTNEED) }
    }

    deinit {
        cfiles_unwatch_mapping(watch)
        if let registration { MappedFiles.remove(registration) }
        if let base = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: base), bytes.count) }
    }
}

/// Zeros that take no memory until they are read, and little then.
final class ZeroPages {
    let pointer: UnsafeRawPointer
    let byteCount: Int

    init(byteCount: Int) {
        self.byteCount = max(byteCount, 1)
        let address = mmap(nil, self.byteCount, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | Int32(MAP_NORESERVE), -1, 0)
        guard let address, address != MAP_FAILED else { fatalError("no address space for \(byteCount) bytes") }
        pointer = UnsafeRawPointer(address)
    }

    deinit { munmap(UnsafeMutableRawPointer(mutating: pointer), byteCount) }
}

/// A copy of bytes at an aligned address, for data that lies askew in its file.
final class AlignedCopy {
    let pointer: UnsafeMutableRawPointer

    init(_ bytes: UnsafeRawBufferPointer) {
        pointer = .allocate(byteCount: max(bytes.count, 1), alignment: 64)
        if let base = bytes.baseAddress { pointer.copyMemory(from: base, byteCount: bytes.count) }
    }

    deinit { pointer.deallocate() }
}
