/// How results are called in the outbox.
public enum ResultName {
    /// `NAME`, then `NAME-2`, `NAME-3`…; for a failed job `NAME.failed`, `NAME.failed-2`….
    ///
    /// - Parameter attempt: counted from 1.
    public static func candidate(_ name: String, attempt: Int) -> String {
        precondition(attempt >= 1, "ResultName: attempt \(attempt)")
        return attempt == 1 ? name : "\(name)-\(attempt)"
    }

    /// The folder of a job that failed.
    public static func failed(_ name: String) -> String { name + ".failed" }

    /// The hidden folder beside the result in which it is put together. It carries the job's own identity, so that a
    /// publication that was broken off is found again and finished.
    public static func partial(_ name: String, job: String) -> String { ".\(name).\(job).partial" }
}
