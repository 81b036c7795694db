import Files
import Foundation
import Jobs
import Logging
import ServiceLifecycle
import UnixSignals

/// Reads the configuration again on SIGHUP; a faulty one is refused, and the one before holds on.
struct ReloadService: Service {
    let configuration: LiveConfiguration
    let load: @Sendable () throws -> Configuration
    let manager: ServiceManager?
    let changed: WakeSignal
    let logger: Logger
    private let files = FileExecutor("segmixd.configuration")

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() { await reload() }
    }

    func reload() async {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        manager?.send("RELOADING=1\nMONOTONIC_USEC=\(now.tv_sec * 1_000_000 + now.tv_nsec / 1000)")
        defer { manager?.send("READY=1") }
        do {
            // A `default_job` may lie on a share.
            guard let new = try await files.run(within: 10, load) else {
                return logger.error("The configuration was not read again: the share that its `default_job` lies on does not answer; the one before holds on.")
            }
            let later = configuration.replace(with: new)
            logger.notice("The configuration was read again")
            if !later.isEmpty { logger.warning("Changes of \(later.joined(separator: ", ")) hold after a restart only (systemctl restart segmixd)") }
            changed.raise()
        } catch {
            logger.error("The configuration has faults and was not taken over; the one before holds on.\n\(error)")
        }
    }
}
