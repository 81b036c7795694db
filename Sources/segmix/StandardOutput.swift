import CFiles
import Foundation
import Jobs
import Pipeline

/// What a command prints is its result: where it cannot be written, the command has failed.
enum StandardOutput {
    /// To be called at the end: what is printed is written late.
    /// - Throws: `JobFailure` where something that was printed could not be written.
    static func requireWritten() throws {
        let code = cfiles_finish_standard_output()
        if code != 0 { throw failure(String(cString: strerror(code))) }
    }

    static func failure(_ reason: String) -> JobFailure {
        JobFailure(.inputOutput, "Cannot write to standard output: \(reason). Make room where it leads, or let it lead elsewhere, then run it again.")
    }
}
