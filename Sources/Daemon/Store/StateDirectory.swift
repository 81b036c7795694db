import Files
import Foundation
import Jobs

/// The daemon's own directory: `lock`, `jobs/ID/` for what is going on, `done/ID/` for what has ended.
///
/// In `jobs/ID`: `job.json`, `input/NAME` (the folder of the inbox), `output/RUN` (what a worker writes), `logs/RUN.log`.
/// `done/ID` keeps the record and the input of a job that went well; nothing there is ever removed by the daemon.
public struct StateDirectory: Sendable {
    public let path: String

    public init(_ path: String) {
        self.path = path
    }

    public var jobs: String { Directory.joined(path, "jobs") }
    public var done: String { Directory.joined(path, "done") }

    public func job(_ id: String) -> String { Directory.joined(jobs, id) }
    public func input(_ record: JobRecord) -> String { job(record.id) + "/input/" + record.name }
    public func output(_ record: JobRecord, run: Int) -> String { job(record.id) + "/output/" + record.runs[run].name }
    public func log(_ record: JobRecord, run: Int) -> String { job(record.id) + "/logs/" + record.runs[run].name + ".log" }

    /// Creates what is missing.
    public func prepare() throws(FileError) {
        try Folder.create(jobs)
        try Folder.create(done)
    }

    public func save(_ record: JobRecord) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        try AtomicFile.write(try encoder.encode(record), to: job(record.id) + "/job.json")
    }

    /// - Returns: nil where the folder has no record.
    /// - Throws: where the record cannot be read.
    public func load(_ id: String) throws -> JobRecord? {
        let path = job(id) + "/job.json"
        guard let bytes = try Folder.contents(of: path, limit: 16 << 20) else { return nil }
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        do { return try decoder.decode(JobRecord.self, from: Data(bytes)) } catch {
            throw FileError("read", path, reason: "it is damaged (\(error))", remedy: "Move the folder \(job(id)) away; the job's input is in it")
        }
    }

    /// Identities of all jobs that are going on, in the order of their claim.
    public func identities() throws(FileError) -> [String] {
        try Folder.names(jobs).filter { !$0.hasPrefix(".") && Folder.isDirectory(job($0)) }.sorted()
    }

    /// A new identity and its folder.
    public func makeJob(at date: Date) throws(FileError) -> String {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "UTC")
        formatter.dateFormat = "yyyyMMdd-HHmmss-SSS"
        while true {
            let id = formatter.string(from: date) + "-" + String(UInt32.random(in: 0x1000...0xFFFF), radix: 16)
            if Folder.exists(Directory.joined(done, id)) { continue }
            if mkdir(job(id), 0o777) == 0 { return id }
            guard errno == EEXIST else { throw FileError("create", job(id), code: errno) }
        }
    }
}
