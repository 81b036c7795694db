import Foundation

/// `origin.json` in a job's folder: where the folder came from. Written once, before the folder is moved, so that a claim that is
/// broken off can be told from one that is done, and so that the queue can be rebuilt without its database.
public struct JobOrigin: Codable, Equatable, Sendable {
    public var name: String
    /// Where it lay in the inbox.
    public var source: String
    public var claimed: Date

    public init(name: String, source: String, claimed: Date) {
        self.name = name
        self.source = source
        self.claimed = claimed
    }
}

/// `placement.json` in a job's folder: what of it is in the outbox. A name is written down before the result appears under it.
public struct JobPlacement: Codable, Equatable, Sendable {
    /// For several runs: the folder of the outbox that holds their results.
    public var resultFolder: String?
    /// The names of results, by run.
    public var published: [String: String] = [:]
    /// The folder of what has failed or was cancelled.
    public var failedAs: String?
    /// Why, by run.
    public var failures: [String: String] = [:]
    public var cancelled: [String] = []

    public init() {}

    /// What a record says of it.
    public init(_ record: JobRecord) {
        resultFolder = record.resultFolder
        failedAs = record.failedAs
        for run in record.runs {
            if let name = run.publishedAs { published[run.name] = name }
            if run.state == .failed { failures[run.name] = run.error ?? "It failed." }
            if run.state == .cancelled { cancelled.append(run.name) }
        }
    }
}
