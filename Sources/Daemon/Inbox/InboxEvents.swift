import CInotifyTools
import Foundation
import Synchronization

/// Wakes the daemon when something happens in the inbox, so that it need not wait for the next rescan.
///
/// libinotifytools has one global instance that is not thread-safe: everything that touches it happens on one thread of
/// its own. Only the inbox and the folders directly in it are watched. What happens deeper down is found by the look at
/// the whole tree that precedes every claim, and so is everything that the events miss: a queue that ran over, a network
/// share that sends none, too few watches. An event is never more than a reason to look.
final class InboxEvents: Sendable {
    private struct State {
        var wanted: Set<String> = []
        var isStopping = false
        var hasEnded = false
        var complaint: String?
    }

    private static let isInUse = Mutex(false)

    private let state = Mutex(State())
    private let inbox: String
    private let wake: @Sendable () -> Void

    private init(inbox: String, wake: @escaping @Sendable () -> Void) {
        self.inbox = inbox
        self.wake = wake
    }

    /// Starts watching. Without events (the library is in use already, or the system has no instance left) the daemon
    /// lives from its rescans.
    static func start(inbox: String, wake: @escaping @Sendable () -> Void) -> InboxEvents? {
        let isFree = isInUse.withLock { inUse in
            defer { inUse = true }
            return !inUse
        }
        guard isFree else { return nil }
        let events = InboxEvents(inbox: inbox, wake: wake)
        let thread = Thread { events.watch() }
        thread.name = "inbox"
        thread.start()
        return events
    }

    /// Why it cannot watch, or not everything.
    var complaint: String? { state.withLock { $0.complaint } }

    /// Whether it watches no more: the inbox could not be watched, or is gone.
    var hasEnded: Bool { state.withLock { $0.hasEnded } }

    /// The folders directly in the inbox that are to be watched as well.
    func follow(_ folders: Set<String>) {
        state.withLock { $0.wanted = folders }
    }

    /// Returns when the thread has let go of the library, within about a second.
    func stop() async {
        state.withLock { $0.isStopping = true }
        // The library waits in whole seconds. Giving the inbox the permissions that it has is an event; a bit that gives the group on
        // to new files may be refused, or lost, in that.
        var status = stat()
        if stat(inbox, &status) == 0, status.st_mode & (S_ISUID | S_ISGID) == 0 { chmod(inbox, status.st_mode & 0o7777) }
        // A task of its own: it sleeps even where the caller is cancelled.
        await Task { while !state.withLock({ $0.hasEnded }) { try? await Task.sleep(for: .milliseconds(20), clock: .continuous) } }.value
    }

    private func watch() {
        defer {
            state.withLock { $0.hasEnded = true }
            Self.isInUse.withLock { $0 = false }
        }
        // Polling after a failed initialisation would abort the process.
        guard inotifytools_initialize() != 0 else {
            complain("The system has no inotify instance left (fs.inotify.max_user_instances: \(reason)); new folders are found by rescans only")
            return
        }
        defer { inotifytools_cleanup() }
        let mask = Int32(bitPattern: UInt32(IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB))
        guard inotifytools_watch_file(inbox, mask) != 0 else {
            complain("The inbox \(inbox) cannot be watched (\(reason)); new folders are found by rescans only")
            return
        }
        var followed: Set<String> = []
        var isFull = false
        while true {
            let (wanted, isStopping) = state.withLock { ($0.wanted, $0.isStopping) }
            if isStopping { return }
            for folder in followed.subtracting(wanted) {
                // The library keeps folders under their names with a slash at the end, and says nothing of a name that it does not know.
                inotifytools_remove_watch_by_filename(folder + "/")
                followed.remove(folder)
                isFull = false
            }
            for folder in wanted.subtracting(followed) where !isFull {
                // A folder that is gone by now is none of our business; too few watches are, once.
                if inotifytools_watch_file(folder, mask) != 0 && inotifytools_error() == 0 {
                    followed.insert(folder)
                } else if inotifytools_error() == ENOSPC {
                    isFull = true
                    complain("The system's inotify watches are used up (fs.inotify.max_user_watches); changes are found by rescans only")
                }
            }
            if inotifytools_next_event(1) != nil {
                wake()
            } else if inotifytools_error() != 0 {
                Thread.sleep(forTimeInterval: 1)
            }
        }
    }

    private func complain(_ message: String) {
        state.withLock { $0.complaint = message }
        wake()
    }

    private var reason: String { String(cString: strerror(inotifytools_error())) }
}
