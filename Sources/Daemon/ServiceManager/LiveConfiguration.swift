import Jobs
import Synchronization

/// The configuration of a running daemon, of which some can change.
final class LiveConfiguration: Sendable {
    private let box: Mutex<Configuration>

    init(_ configuration: Configuration) { box = Mutex(configuration) }

    var current: Configuration { box.withLock { $0 } }

    /// Takes over what needs no restart.
    ///
    /// - Returns: the keys that have changed and hold only after a restart.
    func replace(with new: Configuration) -> [String] {
        box.withLock { configuration in
            let old = configuration
            configuration.hours = new.hours
            configuration.minFreeSpace = new.minFreeSpace
            configuration.maxAttempts = new.maxAttempts
            configuration.stallSeconds = new.stallSeconds
            configuration.memoryPerJob = new.memoryPerJob
            configuration.onFinish = new.onFinish
            configuration.onFailure = new.onFailure
            configuration.models = new.models
            configuration.defaultJob = new.defaultJob
            configuration.maskModels = new.maskModels
            configuration.cacheSize = new.cacheSize
            let fixed = [
                ("inbox", old.inbox == new.inbox), ("outbox", old.outbox == new.outbox), ("state", old.state == new.state),
                ("settle_seconds", old.settleSeconds == new.settleSeconds), ("rescan_seconds", old.rescanSeconds == new.rescanSeconds),
                ("workers", old.workers == new.workers), ("cores", old.cores == new.cores), ("memory", old.memory == new.memory),
                ("status_page", old.statusPage == new.statusPage), ("status_token", old.statusToken == new.statusToken),
            ]
            return fixed.filter { !$0.1 }.map(\.0)
        }
    }
}
