import Daemon
import Files
import Foundation
import Jobs
import JobStore
import Logging
import Testing

/// An inbox, an outbox, a state directory and a worker made of shell, for one test.
final class Workshop: Sendable {
    let path: String
    let configuration: Configuration

    init(settle: Double = 0.2, _ adjust: (inout Configuration) -> Void = { _ in }) throws {
        path = NSTemporaryDirectory() + "segmix-daemon-\(UUID().uuidString)"
        var configuration = Configuration()
        configuration.path = path + "/segmixd.yaml"
        configuration.inbox = path + "/inbox"
        configuration.outbox = path + "/outbox"
        configuration.state = path + "/state"
        configuration.settleSeconds = settle
        configuration.rescanSeconds = 0.5
        configuration.minFreeSpace = 0
        adjust(&configuration)
        self.configuration = configuration
        for folder in ["inbox", "outbox", "state"] {
            try FileManager.default.createDirectory(atPath: path + "/" + folder, withIntermediateDirectories: true)
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// A worker: `$INPUT`, `$OUTPUT`, `$SPEC` are set, `$ALL` is its whole command line.
    func worker(_ script: String) throws -> WorkerCommand {
        let preamble = """
            ALL="$*"; INPUT="$2"; SPEC=
            while [ $# -gt 0 ]; do case "$1" in --output) OUTPUT="$2";; --spec=*) SPEC="${1#--spec=}";; esac; shift; done

            """
        let file = path + "/worker-\(UUID().uuidString).sh"
        try ("set -e\n" + preamble + script).write(toFile: file, atomically: true, encoding: .utf8)
        return WorkerCommand(executable: "/bin/sh", prefix: [file])
    }

    func daemon(_ script: String, drains: Bool = true, retryDelay: Duration = .milliseconds(50)) throws -> SegmixDaemon {
        try SegmixDaemon(configuration: configuration, worker: worker(script), drains: drains, signals: [], retryDelay: { _ in retryDelay }, logger: Self.logger)
    }

    /// A daemon that runs while `body` does, and must then stop when it is asked to.
    func withDaemon(_ script: String, _ body: () async throws -> Void) async throws {
        let daemon = try daemon(script, drains: false, retryDelay: .milliseconds(20))
        let running = Task { try await daemon.run() }
        do { try await body() } catch {
            await daemon.stop()
            _ = try await running.value
            throw error
        }
        await daemon.stop()
        #expect(try await running.value == .stopped)
    }

    /// The queue, as another program sees it.
    func store(forReading: Bool = true) throws -> JobStore { try JobStore.open(StateDirectory(configuration.state), forReading: forReading) }

    static let logger: Logger = {
        var logger = Logger(label: "test") { _ in JournalLogHandler(isJournal: false) }
        logger.logLevel = ProcessInfo.processInfo.environment["SEGMIX_TEST_LOG"] == nil ? .critical : .debug
        return logger
    }()

    /// Puts a folder that looks like a job into the inbox, whole.
    func drop(_ name: String, specifications: [String] = ["job.yaml"], specification: String = "", metadata: Bool = true) throws {
        let hidden = path + "/.drop-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: hidden, withIntermediateDirectories: true)
        if metadata { try "{}".write(toFile: hidden + "/metadata.jsonl", atomically: false, encoding: .utf8) }
        for file in specifications { try specification.write(toFile: hidden + "/" + file, atomically: false, encoding: .utf8) }
        try "photo of \(name)".write(toFile: hidden + "/a.jpg", atomically: false, encoding: .utf8)
        try FileManager.default.moveItem(atPath: hidden, toPath: path + "/inbox/" + name)
    }

    func names(_ folder: String) -> [String] { ((try? Folder.names(path + "/" + folder)) ?? []).sorted() }
    func read(_ file: String) -> String? { try? String(contentsOfFile: path + "/" + file, encoding: .utf8) }
    func exists(_ file: String) -> Bool { Folder.exists(path + "/" + file) }
    func touch(_ file: String) { _ = FileManager.default.createFile(atPath: path + "/" + file, contents: nil) }

    /// Every copy of a dropped folder's photo, wherever it is by now.
    func photos(of name: String) -> [String] {
        let all = FileManager.default.enumerator(atPath: path)?.allObjects as? [String] ?? []
        return all.filter { $0.hasSuffix("/a.jpg") && read($0) == "photo of \(name)" }
    }

    /// Waits until something holds, at most ten seconds.
    func until(_ what: String, sourceLocation: SourceLocation = #_sourceLocation, _ condition: () -> Bool) async throws {
        for _ in 0..<1000 {
            if condition() { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("never came: \(what)", sourceLocation: sourceLocation)
        throw CancellationError()
    }
}
