import ArgumentParser
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
            let number = try store.find(job).number, files = JobFiles(configuration)
            var offset: UInt64 = 0, hasShown = false
            while true {
                // First whether it goes on, then what it said: nothing that is said in between is missed.
                guard let (record, run) = try store.job(number) else { return }
                if let path = files.log(record, run: run)?.path, let handle = FileHandle(forReadingAtPath: path) {
                    hasShown = true
                    defer { try? handle.close() }
                    let size = (try? handle.seekToEnd()) ?? 0
                    // It was put aside because of its length.
                    if size < offset { offset = 0 }
                    try? handle.seek(toOffset: offset)
                    while let piece = try? handle.read(upToCount: 1 << 16), !piece.isEmpty {
                        do { try FileHandle.standardOutput.write(contentsOf: piece) } catch { throw StandardOutput.failure("\(error.localizedDescription)") }
                        offset += UInt64(piece.count)
                    }
                }
                guard follow, !record.runs[run].state.isFinal else { break }
                Thread.sleep(forTimeInterval: 0.5)
            }
            if !hasShown { throw StoreError(.noSuchJob, "Job \(number) has no log: it was not started yet, or its log was moved away.") }
        }
    }
}
