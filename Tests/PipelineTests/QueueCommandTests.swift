import Foundation
import JobStore
import Testing

/// `segmix status`, `cancel`, `retry`, `logs`, as scripts and terminals see them.
@Suite struct QueueCommandTests {
    /// A workplace whose queue has jobs of these folders, numbered from 1.
    private func place(_ names: [String]) throws -> Workplace {
        let place = try Workplace(), state = StateDirectory(place.path + "/state")
        try state.prepare()
        let (store, _) = try JobStore.openForDaemon(state)
        for (i, name) in names.enumerated() {
            try store.add(JobRecord(id: "job-\(i)", name: name, source: "/x", claimed: Date(), runs: [.init(specificationFile: nil, name: "job")]))
        }
        return place
    }

    /// What can be done is done and said, also where something else cannot.
    @Test func oneOfSeveralThatCannotBeDone() throws {
        let place = try place(["toys", "others", "more"])
        let end = try Program.segmix.run(["cancel", "toys", "nothing", "3", "toys", "--json", "--config", place.configuration])
        let states = try #require(try JSONSerialization.jsonObject(with: Data(end.output.utf8)) as? [String: String])
        #expect(end.status == 65 && states == ["1": "cancelled", "3": "cancelled"], "\(end.output)")
        #expect(end.errors == "There is no job nothing. `segmix status` lists them.\nJob 1 is cancelled already.\n", "\(end.errors)")
        let again = try Program.segmix.run(["retry", "1", "2", "--config", place.configuration])
        #expect(again.status == 65 && again.output.hasPrefix("job 1 (toys) is in the queue again\n") && again.errors.contains("Job 2 is queued"), "\(again.output)\(again.errors)")
    }

    /// Folders are named by strangers: no name may move a terminal's cursor or make up a line.
    @Test func namesInTheTable() throws {
        let place = try place(["esc\u{1B}[31mred", "new\nline"])
        #expect(try Program.segmix.run(["cancel", "1", "2", "--config", place.configuration]).status == 0)
        for arguments in [["status"], ["status", "1"], ["status", "2"]] {
            let end = try Program.segmix.run(arguments + ["--config", place.configuration])
            #expect(end.status == 0 && !end.output.contains("\u{1B}") && end.output.contains(arguments.last == "1" ? "\\u{1b}" : "\\n"), "\(end.output)")
        }
        let table = try Program.segmix.run(["status", "--config", place.configuration]).output.split(separator: "\n")
        #expect(table.count == 4 && table[1].hasPrefix("JOB"), "\(table)")
    }

    /// A command whose answer nobody got has failed.
    @Test(arguments: ["check JOB", "check JOB --json", "status", "status --json", "logs 1"]) func outputThatCannotBeWritten(_ command: String) throws {
        let place = try place(["toys"]), logs = place.path + "/state/jobs/job-0/logs"
        try FileManager.default.createDirectory(atPath: logs, withIntermediateDirectories: true)
        try Data("it was said\n".utf8).write(to: URL(fileURLWithPath: logs + "/job.log"))
        let words = command.split(separator: " ").map { $0 == "JOB" ? place.job : String($0) }
        #expect(try Program.segmix.run(words + ["--config", place.configuration]).status == 0)
        let shell = Process(), errors = Pipe()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = ["-c", "exec \"$0\" \"$@\" > /dev/full", Program.segmix.path] + words + ["--config", place.configuration]
        shell.standardError = errors
        try shell.run()
        let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        shell.waitUntilExit()
        #expect(shell.terminationStatus == 74 && said.hasPrefix("Cannot write to standard output: ") && said.split(separator: "\n").count == 1, "\(said)")
    }
}
