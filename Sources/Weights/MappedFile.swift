import CFiles
import Files
import Foundation
import Tensors

/// A file's bytes in memory, read-only, as the system pages them in; unmapped with the last reference.
///
/// Of a file on another machine the local copy is mapped, where `LocalCopies` keeps one. A file that is cut short or out of
/// reach while its bytes are read ends the process with a sentence and exit status 74, not by SIGBUS; one that is written
/// to is found by `MappedFiles.requireUnchanged`.
final class MappedFile: RereadableMemory {
    let path: String
    private let bytes: UnsafeRawBufferPointer
    private let watch: OpaquePointer?
    private let registration: MappedFiles.Registration?

    /// - Throws: `FileError` where it cannot be opened or is not a regular file.
    init(_ path: String) throws {
        self.path = path
        let descriptor = open(try LocalCopies.path(for: path), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { throw FileError("read", path, code: errno) }
        var isKept = false
        defer { if !isKept { close(descriptor) } }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileError("read", path, code: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw FileError("read", path, reason: "it is not a regular file", remedy: "Name the file itself")
        }
        let size = Int(status.st_size)
        guard size > 0 else {
            (bytes, watch, registration) = (UnsafeRawBufferPointer(start: nil, count: 0), nil, nil)
            return
        }
        let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0)
        guard let address, address != MAP_FAILED else { throw FileError("map", path, code: errno) }
        bytes = UnsafeRawBufferPointer(start: address, count: size)
        let lost = FileError(
            "read", path, reason: "while it was in use it was cut short, or its disk or network share went away",
            remedy: "Put the whole file back and leave it alone while jobs run, then run the job again")
        watch = cfiles_watch_mapping(address, size, lost.description + "\n")
        registration = MappedFiles.add(path, descriptor: descriptor, status)
        isKept = true
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
