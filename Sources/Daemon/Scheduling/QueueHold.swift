import Files
import Foundation
import Jobs
import JobStore
import Logging
import Synchronization

/// Why nothing may be started, and saying so.
final class QueueHold: Sendable {
    private struct State {
        /// What was last said.
        var said: String?
        /// The disk was found too full; it must have a little more room than that to go on.
        var isShortOfRoom = false
    }

    private let directory: StateDirectory
    private let store: JobStore
    private let logger: Logger
    private let state = Mutex(State())

    init(state directory: StateDirectory, store: JobStore, logger: Logger) {
        self.directory = directory
        self.store = store
        self.logger = logger
    }

    /// nil where jobs may be started.
    func reason(_ configuration: Configuration) -> String? {
        if let hours = configuration.hours, !hours.areNow { return "it is not one of the `hours` in which jobs may run" }
        guard let free = Directory.freeBytes(at: directory.path) else { return nil }
        let needed = configuration.minFreeSpace
        let isShort = state.withLock { state in
            // A tenth more to go on, so that a job does not stop and start all the time.
            state.isShortOfRoom = free < needed || (state.isShortOfRoom && Double(free) < 1.1 * Double(needed))
            return state.isShortOfRoom
        }
        guard isShort else { return nil }
        return "\(directory.path) has only \(free >> 20) MiB free, and `min_free_space` is \(needed >> 20) MiB; make room"
    }

    /// Says a reason once, and only while somebody waits.
    func say(_ reason: String?) throws {
        let text = try store.hasQueuedJobs() ? reason : nil
        let (isNews, hasChanged) = state.withLock { state in
            defer { state.said = text }
            return (text != nil && state.said == nil, text != state.said)
        }
        if isNews { logger.notice("Jobs wait: \(text!)") }
        if hasChanged { try store.setNotices(text.map { ["queue": $0] } ?? [:], prefix: "queue") }
    }
}
