/// Where a job is on its way, and which ways there are. This table is all there is to know; the store refuses every
/// other change.
public enum JobState: String, Codable, Sendable, CaseIterable {
    /// Waits for its turn.
    case queued
    /// A worker is at it, or was when the daemon ended.
    case running
    /// The worker is done; its result is on its way to the outbox.
    case publishing
    case done
    case failed
    /// Ended on request.
    case cancelled

    /// One step that a job can take.
    public struct Transition: Sendable {
        public let from: JobState, to: JobState
        /// What it is called in the list of events.
        public let event: String
    }

    public static let transitions: [Transition] = [
        .init(from: .queued, to: .running, event: "started"),
        .init(from: .queued, to: .cancelled, event: "cancelled"),
        // Its folder vanished from the state directory.
        .init(from: .queued, to: .failed, event: "failed"),
        // Stopped with a resume point, tried again, or found without a living process.
        .init(from: .running, to: .queued, event: "put back"),
        .init(from: .running, to: .publishing, event: "finished"),
        .init(from: .running, to: .failed, event: "failed"),
        .init(from: .running, to: .cancelled, event: "cancelled"),
        .init(from: .publishing, to: .done, event: "published"),
        .init(from: .failed, to: .queued, event: "retried"),
        .init(from: .cancelled, to: .queued, event: "retried"),
    ]

    /// The transition to `next`; nil where there is none.
    public func transition(to next: JobState) -> Transition? { Self.transitions.first { $0.from == self && $0.to == next } }

    /// Nothing more will happen to it by itself.
    public var isFinal: Bool { self == .done || self == .failed || self == .cancelled }
}
