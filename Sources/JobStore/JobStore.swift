import Files
import Foundation
import GRDB
import Jobs
import Synchronization

/// The queue on the disk: every folder that was taken, its jobs, their states with times, attempts, events and progress. All
/// programs that ask for jobs ask here; a change holds as soon as its call has returned, whatever happens to the machine then.
///
/// SQLite in WAL mode with full synchronisation: readers never wait for the daemon, nor it for them.
public final class JobStore: Sendable {
    let database: DatabaseQueue
    let path: String
    private let listener = Mutex<(@Sendable () -> Void)?>(nil)
    private let seenVersion = Mutex<Int?>(nil)
    private let patience: LockPatience

    /// Opens the queue of a state directory, to look at it or to ask for something. The daemon owns it and has it made.
    ///
    /// - Throws: `StoreError`.
    public static func open(_ state: StateDirectory, forReading: Bool) throws -> JobStore {
        guard Folder.exists(state.database) else {
            throw StoreError(.noQueue, "There is no queue at \(state.database) yet. Start segmixd with this configuration, or name the right one with --config.")
        }
        do {
            let store = try JobStore(path: state.database, forReading: forReading)
            if forReading { _ = try store.database.read { try $0.tableExists("job") } }
            return store
        } catch let error as DatabaseError where forReading && [.SQLITE_CANTOPEN, .SQLITE_READONLY].contains(error.resultCode) && !Folder.exists(state.database + "-wal") {
            // The files beside a database in WAL mode are there while somebody has it open; who may not write there cannot make them.
            // Without them the file holds everything, and nobody changes it.
            do { return try JobStore(path: state.database, forReading: true, isImmutable: true) } catch { throw StoreError.of(error, state.database) }
        } catch {
            throw StoreError.of(error, state.database)
        }
    }

    /// Opens or makes the daemon's queue. A database that is damaged is put aside, and a new one begun.
    ///
    /// - Parameter patience: how long a change waits for another program that has the database locked.
    /// - Returns: the store, and where the damaged one went; the jobs are then to be found again in their folders.
    /// - Throws: `StoreError`, `FileError`.
    public static func openForDaemon(_ state: StateDirectory, patience: Duration = .seconds(5)) throws -> (JobStore, damaged: String?) {
        do {
            // A disk that fails for a moment gives pages that look damaged, and not twice.
            for _ in 1...2 {
                do { return (try sound(state.database, patience), nil) } catch let error as DatabaseError where [.SQLITE_CORRUPT, .SQLITE_NOTADB].contains(error.resultCode) {}
            }
            let aside = Directory.joined(state.path, "queue.damaged-\(StateDirectory.stamp(Date())).sqlite")
            for suffix in ["", "-wal", "-shm"] where Folder.exists(state.database + suffix) {
                guard rename(state.database + suffix, aside + suffix) == 0 else { throw FileError("put aside", state.database + suffix, code: errno) }
            }
            return (try sound(state.database, patience), aside)
        } catch {
            throw StoreError.of(error, state.database)
        }
    }

    /// Opens, checks every page and index, and brings the tables to the newest version.
    private static func sound(_ path: String, _ patience: Duration) throws -> JobStore {
        let store = try JobStore(path: path, forReading: false, patience: patience)
        try store.database.write { db in
            let said = try String.fetchAll(db, sql: "PRAGMA integrity_check")
            guard said == ["ok"] else { throw DatabaseError(resultCode: verdict(said), message: said.first ?? "integrity check failed") }
        }
        try Schema.migrator.migrate(store.database)
        // A database that is whole but is not ours, or lost tables with its first pages.
        for table in ["folder", "job", "attempt", "event", "notice"] {
            if try store.database.read({ try $0.tableExists(table) }) { continue }
            guard try !store.database.read(Schema.migrator.hasBeenSuperseded) else {
                throw StoreError(.damaged, "The queue's database \(path) is that of a newer segmixd, which keeps it in another form. Install that again.")
            }
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "the table \(table) is missing")
        }
        // What others change from here on is news.
        _ = try store.hasChangedFromOutside()
        return store
    }

    /// What an integrity check has found: pages that the disk did not give are among its lines too.
    static func verdict(_ said: [String]) -> ResultCode {
        let codes = said.compactMap { $0.components(separatedBy: "error code=").dropFirst().first.flatMap { Int32($0.prefix(while: \.isNumber)) } }
        return codes.contains { $0 & 0xff == ResultCode.SQLITE_IOERR.rawValue } ? .SQLITE_IOERR : .SQLITE_CORRUPT
    }

    private init(path: String, forReading: Bool, isImmutable: Bool = false, patience: Duration = .seconds(20)) throws {
        self.path = path
        let patience = LockPatience(patience)
        self.patience = patience
        var configuration = GRDB.Configuration()
        configuration.readonly = forReading
        configuration.busyMode = .callback { patience.waits(tries: $0) }
        configuration.foreignKeysEnabled = true
        // Another would ask for a higher priority, which only root gets.
        configuration.qos = .default
        if !forReading {
            configuration.journalMode = .wal
            configuration.prepareDatabase { db in try db.execute(sql: "PRAGMA cache_size = -2048") }
        }
        let unreserved = CharacterSet(charactersIn: "/.-_").union(.alphanumerics)
        let uri = path.addingPercentEncoding(withAllowedCharacters: unreserved).map { "file:\($0)?immutable=1" } ?? path
        database = try DatabaseQueue(path: isImmutable ? uri : path, configuration: configuration)
        // GRDB has its own opinion for WAL, which is that a change may be lost with the machine.
        if !forReading { try database.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") } }
    }

    func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
        do { return try database.read(body) } catch { throw StoreError.of(error, path) }
    }

    /// One transaction, which takes the lock at its beginning.
    func write<Value>(_ body: (Database) throws -> Value) throws -> Value {
        do {
            let value = try database.write(body)
            patience.note(nil)
            return value
        } catch {
            patience.note(error)
            throw StoreError.of(error, path)
        }
    }

    /// A sentence where another program has the database locked, and nothing could be written for a while.
    public var lockNotice: String? {
        patience.isLocked ? "the queue's database \(path) is locked by another program, and nothing can be written; close whatever has it open" : nil
    }

    // MARK: - Who changed what

    /// Is called after every request (`cancel`, `retry`, a priority) made through this object.
    public func onRequest(_ body: @escaping @Sendable () -> Void) { listener.withLock { $0 = body } }

    func requestMade() { listener.withLock { $0 }?() }

    /// Whether another program has changed anything since the last call; a look into shared memory.
    public func hasChangedFromOutside() throws -> Bool {
        let version = try read { try Int.fetchOne($0, sql: "PRAGMA data_version") }
        return seenVersion.withLock { seen in
            defer { seen = version }
            return seen != nil && seen != version
        }
    }
}
