import Foundation
import Testing

@testable import Daemon

/// What is said of a worker that is started again.
@Suite struct RunOutcomeTests {
    private func outcome(_ end: WorkerProcess.End, lastWords: String) -> RunOutcome {
        RunOutcome.of(
            end, asked: nil, hasResult: false, attempts: 1, maxAttempts: 3, lastWords: lastWords, delay: { _ in .seconds(30) })
    }

    private func reason(_ outcome: RunOutcome) throws -> String {
        guard case .retry(.seconds(30), let reason) = outcome else { throw Unexpected(outcome: outcome) }
        return reason
    }

    private struct Unexpected: Error { let outcome: RunOutcome }

    /// The log has it on one line: which file, and what to do.
    @Test func aFailedFileIsNamed() throws {
        let said = "step 1/9\n/srv/out/a.png cannot be written: No space left on device. Make room."
        let reason = try reason(outcome(.exited(74), lastWords: said))
        #expect(reason.contains("mend what is named below") && reason.hasSuffix("It said: /srv/out/a.png cannot be written: No space left on device. Make room."))
        // Progress may come after it.
        let late = try self.reason(outcome(.exited(74), lastWords: said + "\ncheck: memory: about 105 MiB\nencode: encoding the prompts\ntrain, 3 s left"))
        #expect(late == reason)
        #expect(try self.reason(outcome(.exited(74), lastWords: "check: memory: about 105 MiB")).hasSuffix("It said: check: memory: about 105 MiB"))
    }

    /// Whatever the reason why it was asked to wait, the attempt does not count, however often.
    @Test(arguments: [StopReason.shutdown, .hours, .disk]) func aPauseCostsNothing(_ reason: StopReason) {
        for end in [WorkerProcess.End.exited(75), .killed(signal: SIGTERM)] {
            #expect(RunOutcome.of(end, asked: reason, hasResult: true, attempts: 9, maxAttempts: 1, lastWords: "", delay: { _ in .seconds(30) }) == .requeue)
        }
    }

    @Test func ofACrashTheLogSaysNothing() throws {
        let reason = try reason(outcome(.killed(signal: 9), lastWords: "step 1/9"))
        #expect(!reason.contains("step 1/9"))
        #expect(try !self.reason(outcome(.exited(74), lastWords: "")).contains("It said"))
    }
}
