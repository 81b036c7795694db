import Files
import Jobs

/// What commands that look at pictures check of their options.
enum DetectionOptions {
    /// - Throws: `JobFailure` (usage) for values out of range.
    static func check(threshold: Double, overlap: Double) throws {
        guard threshold >= 0, threshold < 1 else { throw JobFailure(.usage, "--threshold is \(threshold); a number from 0 to below 1 is wanted") }
        guard overlap >= 0, overlap <= 1 else { throw JobFailure(.usage, "--overlap is \(overlap); a number from 0 to 1 is wanted") }
    }

    /// - Throws: `JobFailure` (unavailable); `FileError` for what may pass.
    static func requireModel(_ path: String, _ kind: String, like example: String) throws {
        guard try JobFailure.destination(path) == .directory else {
            throw JobFailure(.unavailable, "\(path): the \(kind) model's directory is not there; give one in Hugging Face layout, such as a copy of \(example)")
        }
    }
}
