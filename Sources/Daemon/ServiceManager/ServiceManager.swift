import CSystemd
import Foundation

/// systemd as the daemon talks to it, in the lines of `sd_notify(3)`.
public struct ServiceManager: Sendable {
    /// Without a sign of life for so long it ends the daemon; nil: it does not watch.
    let watchdog: Duration?
    let send: @Sendable (String) -> Void

    /// nil where nobody listens: `NOTIFY_SOCKET` is not set.
    public static var ofEnvironment: ServiceManager? {
        guard let socket = ProcessInfo.processInfo.environment["NOTIFY_SOCKET"], !socket.isEmpty else { return nil }
        var microseconds: UInt64 = 0
        let isWatched = sd_watchdog_enabled(0, &microseconds) > 0
        return ServiceManager(watchdog: isWatched ? .microseconds(Int64(clamping: microseconds)) : nil) { sd_notify(0, $0) }
    }
}
