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

    @Test func whatIsNoLogIsNotShown() throws {
        let place = try place(["toys"]), logs = place.path + "/state/jobs/job-0/logs", log = logs + "/job.log"
        try FileManager.default.createDirectory(atPath: logs, withIntermediateDirectories: true)
        try place.write("secret", "elsewhere.txt")
        for make in [{ symlink(place.path + "/elsewhere.txt", log) }, { mkfifo(log, 0o644) }] {
            try #require(make() == 0)
            let end = try Program.segmix.run("logs", "1", "--config", place.configuration)
            #expect(end.status == 65 && end.output.isEmpty && end.errors.hasPrefix("Job 1 has no log"), "\(end.status): \(end.output)\(end.errors)")
            unlink(log)
        }
    }

    /// What strangers' names bring into a log moves no terminal's cursor; a file gets every byte.
    @Test func logsOnATerminal() throws {
        let place = try place(["toys"]), logs = place.path + "/state/jobs/job-0/logs", said = "said\tthis \u{1B}[2J\u{9B}31m\rx\n\nüb"
        try FileManager.default.createDirectory(atPath: logs, withIntermediateDirectories: true)
        try place.write(said, "state/jobs/job-0/logs/job.log")
        #expect(try Program.segmix.run("logs", "1", "--config", place.configuration).output == said)

        var terminal: Int32 = -1, end: Int32 = -1
        try #require(openpty(&terminal, &end, nil, nil, nil) == 0)
        defer { close(terminal) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Program.segmix.path)
        process.arguments = ["logs", "1", "--config", place.configuration]
        process.standardOutput = FileHandle(fileDescriptor: end, closeOnDealloc: false)
        try process.run()
        close(end)
        var shown = Data(), buffer = [UInt8](repeating: 0, count: 4096)
        while case let count = read(terminal, &buffer, buffer.count), count > 0 { shown += buffer[..<count] }
        process.waitUntilExit()
        // The terminal itself makes CR LF of a line's end.
        #expect(String(decoding: shown, as: UTF8.self) == "said\tthis \\u{1b}[2J\\u{9b}31m\\rx\r\n\r\nüb")
    }

    /// `segmix submit` and then this: the folder may not be taken yet, and an earlier one of its name is not meant.
    @Test func theLogOfAFolderThatIsComing() throws {
        let place = try place(["toys"]), store = try JobStore.open(StateDirectory(place.path + "/state"), forReading: false)
        #expect(try Program.segmix.run("cancel", "toys", "--config", place.configuration).status == 0)
        try FileManager.default.createDirectory(atPath: place.path + "/inbox/toys", withIntermediateDirectories: true)
        // Where no daemon takes it, nothing is waited for.
        #expect(try Program.segmix.run("logs", "--follow", "toys", "--config", place.configuration).errors.contains("Job 1 has no log"))
        let lock = try StateLock(StateDirectory(place.path + "/state"))
        defer { withExtendedLifetime(lock) {} }
        let running = try Program.segmix.start(["logs", "--follow", "toys", "--config", place.configuration])
        running.until { running.errors.contains("toys is in the inbox") }
        // On its way: out of the inbox and not in the queue yet.
        try FileManager.default.createDirectory(atPath: place.path + "/state/jobs/job-1/logs", withIntermediateDirectories: true)
        try StateDirectory(place.path + "/state").save(JobOrigin(name: "toys", source: "/x", claimed: Date()), as: "origin.json", of: "job-1")
        try place.remove("inbox/toys")
        usleep(500_000)
        try place.write("the new one\n", "state/jobs/job-1/logs/job.log")
        try store.add(JobRecord(id: "job-1", name: "toys", source: "/x", claimed: Date(), runs: [.init(specificationFile: nil, name: "job")]))
        running.until { running.output == "the new one\n" }
        #expect(try Program.segmix.run("cancel", "2", "--config", place.configuration).status == 0)
        let end = running.end()
        #expect(end.status == 0 && end.output == "the new one\n", "\(end.output)\(end.errors)")
    }

    /// Who checks a stranger's folder is told of it, and no more.
    @Test func namesInACheck() throws {
        let place = try Workplace(), folder = place.path + "/to\u{1B}[31mys"
        try place.replace("\"a\": \"olis toy\"", "\"a\": \"olis\\u001b[31m toy\"", in: "toys/metadata.jsonl")
        try FileManager.default.moveItem(atPath: place.job, toPath: folder)
        let end = try Program.segmix.run("check", folder, "--config", place.configuration)
        #expect(end.status == 0 && end.output.contains("“olis\\u{1b}[31m toy”") && end.output.contains("to\\u{1b}[31mys: 2 subjects"), "\(end.output)\(end.errors)")
        #expect(!end.output.contains("\u{1B}"), "\(end.output)")
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
