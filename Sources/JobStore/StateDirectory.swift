import Files
import Foundation
import Jobs

/// The daemon's own directory: `queue.sqlite`, `lock`, `jobs/ID/` for what is going on, `done/ID/` for what has ended.
///
/// In `jobs/ID`: `origin.json`, `input/NAME` (the folder of the inbox), `output/RUN` (what a worker writes), `logs/RUN.log`,
/// `configuration.json` (what its worker goes by; `configuration-1.json` and so on for further specifications), `placement.json` as soon as something of it is in the outbox. `done/ID` keeps the input of a job that went well; nothing
/// there is ever removed by the daemon.
public struct StateDirectory: Sendable {
    public let path: String

    public init(_ path: String) {
        self.path = path
    }

    public var jobs: String { Directory.joined(path, "jobs") }
    public var done: String { Directory.joined(path, "done") }
    public var database: String { Directory.joined(path, "queue.sqlite") }

    public func job(_ id: String) -> String { Directory.joined(jobs, id) }
    public func input(_ id: String, _ name: String) -> String { job(id) + "/input/" + name }
    public func input(_ record: JobRecord) -> String { input(record.id, record.name) }
    public func output(_ record: JobRecord, run: Int) -> String { job(record.id) + "/output/" + record.runs[run].name }
    public func configuration(of id: String, run: Int) -> String { job(id) + "/" + ConfigurationSnapshot.name(run: run) }
    /// What an estimate goes by, for as long as it takes.
    public func estimate(of id: String, run: Int) -> String { job(id) + "/estimate-\(run).json" }
    public func log(_ record: JobRecord, run: Int) -> String { job(record.id) + "/logs/" + record.runs[run].name + ".log" }

    /// What a run goes by. One that has begun goes on as it began, with the same model; what `default_job` and `models` say by now is
    /// for others.
    /// - Parameter isThere: whether a directory of the model that it began with is where it was; where it has moved, the new place holds.
    public func configuration(_ now: Configuration, for record: JobRecord, run: Int, isThere: (String) async throws -> Bool) async rethrows -> Configuration {
        let hasBegun = [".segmixd/resume", ".segmixd/round-1.json", "report.json"].contains { Folder.exists(Directory.joined(output(record, run: run), $0)) }
        guard hasBegun, let before = try? ConfigurationSnapshot.read(self.configuration(of: record.id, run: run)) else { return now }
        var configuration = now
        configuration.defaultJob = before.defaultJob
        configuration.models = before.models.merging(now.models.filter { before.models[$0.key] != nil }) { $1 }
        let specification = before.specification(record.runs[run].specificationFile, in: JobFolder(input(record)))
        // One that the specification names by its path is where it is.
        guard let name = before.modelName(for: specification), let known = before.models[name] else { return configuration }
        for place in [known.base, known.vae].compactMap({ $0 }) { if try await !isThere(place) { return configuration } }
        var model = configuration.models[name] ?? known
        (model.base, model.vae, model.variant) = (known.base, known.vae, known.variant)
        configuration.models[name] = model
        return configuration
    }

    /// Creates what is missing.
    public func prepare() throws(FileError) {
        for folder in [jobs, done] {
            try Self.create(folder)
            Self.close(folder, flags: 0)
        }
        for id in (try? Folder.names(jobs)) ?? [] { for folder in ["", "/input", "/output", "/logs"] { Self.close(job(id) + folder, flags: O_NOFOLLOW) } }
    }

    /// Takes the group's right to write from a folder that an earlier version made. Of a folder of somebody else's that is not ours to change.
    private static func close(_ folder: String, flags: Int32) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags)
        guard descriptor >= 0 else { return }
        defer { Glibc.close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_uid == geteuid(), status.st_mode & 0o022 != 0 else { return }
        // Where systemd's RestrictSUIDSGID= is in force the set-group-ID bit cannot be kept.
        if fchmod(descriptor, status.st_mode & 0o7755) != 0 { fchmod(descriptor, status.st_mode & 0o755) }
    }

    /// Makes a folder of the daemon's own. What lies in it goes to the outbox with the rights that it has; into the folder itself nobody
    /// else may put anything, whatever the umask is: the daemon's group is that of all who drop folders.
    public static func create(_ folder: String) throws(FileError) { try Directory.create(folder, mode: 0o755) }

    /// Writes one of a job's small files, which nobody else may write, whatever the umask is.
    public func save(_ value: some Encodable, as name: String, of id: String) throws {
        try AtomicFile.write(JSONEncoder([.prettyPrinted, .sortedKeys, .withoutEscapingSlashes], dates: .iso8601).encode(value), to: job(id) + "/" + name, mode: 0o644)
    }

    /// Reads one of the small files in a job's folder.
    ///
    /// - Returns: nil where it is not there or damaged: what it says can be found in other ways.
    public static func load<Value: Decodable>(_ type: Value.Type, _ name: String, in folder: String) throws(FileError) -> Value? {
        guard let bytes = try Folder.contents(of: folder + "/" + name, limit: 16 << 20) else { return nil }
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        return try? decoder.decode(type, from: Data(bytes))
    }

    /// Identities of all folders in `jobs` or `done`, in the order of their claim.
    public static func identities(in folder: String) throws(FileError) -> [String] {
        try Folder.names(folder).filter { !$0.hasPrefix(".") && Folder.isDirectory(Directory.joined(folder, $0)) }.sorted()
    }

    /// A new identity and its folder. Identities sort by `date`, in UTC.
    public func makeJob(at date: Date) throws(FileError) -> String {
        while true {
            let id = Self.stamp(date) + "-" + String(UInt32.random(in: 0x1000...0xFFFF), radix: 16)
            if Folder.exists(Directory.joined(done, id)) { continue }
            if mkdir(job(id), 0o755) == 0 { return id }
            guard errno == EEXIST else { throw FileError("create", job(id), code: errno) }
        }
    }

    /// `20261123-221300-123`
    public static func stamp(_ date: Date) -> String {
        let milliseconds = Int((date.timeIntervalSince1970 * 1000).rounded(.down))
        var seconds = time_t(milliseconds / 1000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func digits(_ value: some BinaryInteger, _ count: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        return digits(parts.tm_year + 1900, 4) + digits(parts.tm_mon + 1, 2) + digits(parts.tm_mday, 2) + "-" + digits(parts.tm_hour, 2)
            + digits(parts.tm_min, 2) + digits(parts.tm_sec, 2) + "-" + digits(milliseconds % 1000, 3)
    }
}
