import Files
import Foundation
import Jobs
import JobStore
import Synchronization

/// What a job will take, asked of `segmix check --json` before several jobs run side by side.
struct Estimate: Sendable {
    let configuration: Configuration
    let command: WorkerCommand
    let state: StateDirectory
    let models: ModelPlaces
    /// Bytes that a job takes for which the check gives no number: it then runs alone.
    let fallback: Int
    /// Bytes that it should do with.
    let share: Int
    /// Is told of the process that estimates, and of its end.
    let began: @Sendable (WorkerProcess) -> Void
    let ended: @Sendable (WorkerProcess) -> Void

    private struct Answer: Decodable {
        let memory: Int
        enum CodingKeys: String, CodingKey { case memory = "memory_bytes" }
    }

    /// Bytes of memory. A job with faults takes none, its worker only tells them; what the check cannot tell gets the fallback.
    /// - Throws: `FileError` where the share of its model hangs, or what the job goes by cannot be written.
    func memory(_ record: JobRecord, run: Int) async throws -> Int {
        let snapshot = state.estimate(of: record.id, run: run)
        defer { unlink(snapshot) }
        try ConfigurationSnapshot.write(await models.configuration(configuration, for: record, run: run), to: snapshot)
        guard let pipes = try? WorkerProcess.pipe() else { return fallback }
        let nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC)
        let process = try? WorkerProcess(
            executable: command.executable,
            // Whatever is free at this moment: the job may run at another.
            arguments: command.arguments(
                "check", input: state.input(record), configuration: configuration.path, snapshot: snapshot,
                ["--json", "--free-memory", String(configuration.memoryPerJob ?? share)], specification: record.runs[run].specificationFile),
            environment: command.environment(configuration, state), output: pipes.write, errors: nowhere)
        close(pipes.write)
        close(nowhere)
        guard let process else {
            close(pipes.read)
            return fallback
        }
        began(process)
        defer { ended(process) }
        let answers = AnswerBox()
        async let lines: Void = LineReader.read(pipes.read) { line in
            if let answer = try? JSONDecoder().decode(Answer.self, from: Data(line.utf8)) { answers.set(answer.memory) }
        }
        let end = await process.wait(atMost: .seconds(600))
        await lines
        return answers.value ?? ([ExitStatus.badInput, .unavailable].contains { end == .exited($0.rawValue) } ? 0 : fallback)
    }
}

/// A number that a thread of its own finds.
private final class AnswerBox: Sendable {
    private let box = Mutex<Int?>(nil)
    var value: Int? { box.withLock { $0 } }
    func set(_ value: Int) { box.withLock { $0 = value } }
}
