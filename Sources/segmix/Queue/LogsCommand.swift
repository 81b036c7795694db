import ArgumentParser
import Files
import Foundation
import Jobs
import JobStore
import Pipeline

struct LogsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "logs", abstract: "What a job's worker has said.")

    @OptionGroup var options: QueueOptions

    @Argument(help: "A job: its number or its name.")
    var job: String

    @Flag(name: .shortAndLong, help: "Go on until the job has ended.")
    var follow = false

    func run() throws {
        try options.withQueue(forReading: true) { store, configuration in
            let number = try find(store, configuration).number, files = JobFiles(configuration)
            var offset: UInt64 = 0, hasShown = false
            var terminal = isatty(STDOUT_FILENO) == 1 ? TerminalText() : nil
            while true {
                // First whether it goes on, then what it said: nothing that is said in between is missed.
                guard let (record, run) = try store.job(number) else { return }
                if let path = files.log(record, run: run)?.path, let handle = Self.open(path) {
                    hasShown = true
                    let size = (try? handle.seekToEnd()) ?? 0
                    // It was put aside because of its length.
                    if size < offset { offset = 0 }
                    try? handle.seek(toOffset: offset)
                    while let piece = try? handle.read(upToCount: 1 << 16), !piece.isEmpty {
                        try Self.write(terminal?.lines(piece) ?? piece)
                        offset += UInt64(piece.count)
                    }
                }
                guard follow, !record.runs[run].state.isFinal else { break }
                Thread.sleep(forTimeInterval: 0.5)
            }
            if let rest = terminal?.rest() { try Self.write(rest) }
            if !hasShown { throw StoreError(.noSuchJob, "Job \(number) has no log: it was not started yet, or its log was moved away.") }
        }
    }

    /// The job; with `--follow` one that is about to come into the queue is waited for, in place of an earlier one of its name.
    private func find(_ store: JobStore, _ configuration: Configuration) throws -> JobSummary {
        let name = job.split(separator: "/").first.map(String.init) ?? job
        var isSaid = false
        while true {
            if let known = try? store.find(job), !follow || !known.state.isFinal { return known }
            guard follow, QueueOptions.daemonRuns(configuration), try store.isComing(name, configuration) else { return try store.find(job) }
            if !isSaid { FileHandle.standardError.write(Data("\(name.onOneLine()) is in the inbox; its log begins when it has been taken\n".utf8)) }
            isSaid = true
            Thread.sleep(forTimeInterval: 0.2)
        }
    }

    /// Whoever may write into the outbox may put something else where the log was: links are not followed, and pipes not waited for.
    private static func open(_ path: String) -> FileHandle? {
        let descriptor = Foundation.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { return nil }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        var status = stat()
        return fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG ? handle : nil
    }

    private static func write(_ text: Data) throws {
        do { try FileHandle.standardOutput.write(contentsOf: text) } catch { throw StandardOutput.failure("\(error.localizedDescription)") }
    }
}

/// What a terminal is shown of a log: its lines, with control characters other than tabs spelt out.
private struct TerminalText {
    private var pending = Data()
    /// Bytes of a line that are waited for.
    private static let longest = 1 << 16

    /// The lines that are whole by now.
    mutating func lines(_ piece: Data) -> Data {
        pending += piece
        let end = pending.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? (pending.count < Self.longest ? pending.startIndex : pending.endIndex)
        defer { pending = Data(pending[end...]) }
        return Self.spelt(pending[..<end])
    }

    /// What is left at the end.
    mutating func rest() -> Data {
        defer { pending = Data() }
        return Self.spelt(pending)
    }

    private static func spelt(_ text: Data) -> Data {
        let lines = String(decoding: text, as: UTF8.self).unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.split(separator: "\t", omittingEmptySubsequences: false).map { String($0).onOneLine(atMost: .max) }.joined(separator: "\t")
        }
        return Data(lines.joined(separator: "\n").utf8)
    }
}
