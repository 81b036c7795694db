import Files
import Foundation
import Synchronization

/// The files that are mapped now. Nobody stops another program from writing into one of them: what was computed since
/// belongs to no model.
public enum MappedFiles {
    struct Registration: Hashable, Sendable { let number: Int }

    private struct Record {
        let place: LocalCopies.Place
        let descriptor: Int32
        let size: Int
        let modified: timespec
    }

    private static let records = Mutex<(next: Int, all: [Int: Record])>((0, [:]))

    /// Takes the descriptor over.
    static func add(_ place: LocalCopies.Place, descriptor: Int32, _ status: stat) -> Registration {
        records.withLock { records in
            records.next += 1
            records.all[records.next] = Record(place: place, descriptor: descriptor, size: Int(status.st_size), modified: status.st_mtim)
            return Registration(number: records.next)
        }
    }

    static func remove(_ registration: Registration) {
        let record = records.withLock { $0.all.removeValue(forKey: registration.number) }
        if let record { close(record.descriptor) }
    }

    /// A few microseconds for each file.
    /// - Throws: `FileError` for a file that was written to or cut short since it was mapped, or that its share no longer
    ///   gives. A file that was removed or replaced by another of its name is still whole for those who have it mapped.
    public static func requireUnchanged() throws {
        let all = records.withLock { $0.all.sorted { $0.key < $1.key }.map(\.value) }
        for record in all {
            var status = stat()
            guard fstat(record.descriptor, &status) == 0 else { throw FileError("read", record.place.path, code: errno) }
            let time = status.st_mtim
            guard Int(status.st_size) == record.size, time.tv_sec == record.modified.tv_sec, time.tv_nsec == record.modified.tv_nsec else {
                // A copy is made anew.
                if record.place.original != nil { unlink(record.place.path) }
                throw record.place.lost("another program wrote to it while it was in use")
            }
        }
    }
}
