import Files
import Foundation
import GRDB

/// Why something cannot be done with the queue, as one sentence.
public struct StoreError: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Kind: Sendable { case noQueue, damaged, noSuchJob, notPossible, inputOutput }

    public let kind: Kind
    public let description: String

    public init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }

    /// What SQLite says of the database at `path`.
    static func of(_ error: any Error, _ path: String) -> any Error {
        guard let error = error as? DatabaseError else { return error }
        let said = error.message ?? "\(error.resultCode)"
        return switch error.resultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            StoreError(.damaged, "The queue's database \(path) is damaged (\(said)). Restart segmixd: it puts the file aside and rebuilds the queue from the job folders.")
        case .SQLITE_FULL:
            StoreError(.inputOutput, "Cannot write \(path): the disk is full. Make room; segmixd goes on by itself.")
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            StoreError(.inputOutput, "The queue's database \(path) is locked by another program (\(said)). Close whatever has it open, then try again.")
        case .SQLITE_CANTOPEN where hasNoFilesLeft(path):
            StoreError(.inputOutput, "Cannot create the files of \(path): the disk is full, it has no room for more files (df -i). Remove some, then start segmixd again.")
        case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH:
            StoreError(.inputOutput, "The queue's database \(path) cannot be opened for this (\(said)). Run the command as the user that runs segmixd, or as root.")
        default:
            StoreError(.inputOutput, "The queue's database \(path) cannot be used (\(said)). Check the disk it is on, then try again.")
        }
    }

    /// SQLite does not tell a disk without inodes from a forbidden one.
    private static func hasNoFilesLeft(_ path: String) -> Bool {
        var status = statvfs()
        return statvfs(Directory.parent(of: path), &status) == 0 && status.f_files > 0 && status.f_favail == 0
    }
}
