/// How results are called in the outbox.
public enum ResultName {
    /// `NAME`, then `NAME-2`, `NAME-3`…; for a failed job `NAME.failed`, `NAME.failed-2`….
    ///
    /// - Parameter attempt: counted from 1.
    public static func candidate(_ name: String, attempt: Int) -> String {
        precondition(attempt >= 1, "ResultName: attempt \(attempt)")
        let name = shortened(name)
        return attempt == 1 ? name : "\(name)-\(attempt)"
    }

    /// The folder of a job that failed.
    public static func failed(_ name: String) -> String { shortened(name) + ".failed" }

    /// The folder of a job that was cancelled.
    public static func cancelled(_ name: String) -> String { shortened(name) + ".cancelled" }

    /// A name that leaves room for what is appended to it: file systems take 255 bytes.
    public static func shortened(_ name: String) -> String {
        guard name.utf8.count > 220 else { return name }
        // By scalars: a letter with a hundred accents is one character.
        var short = String.UnicodeScalarView(), count = 0
        for scalar in name.unicodeScalars {
            count += UTF8.width(scalar)
            if count > 220 { break }
            short.append(scalar)
        }
        return String(short)
    }

    /// The hidden folder beside the result in which it is put together. It carries the job's own identity, so that a
    /// publication that was broken off is found again and finished.
    public static func partial(job: String) -> String { ".\(job).partial" }
}
