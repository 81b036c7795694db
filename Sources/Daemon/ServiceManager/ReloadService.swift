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

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() { reload() }
    }

    func reload() {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        manager?.send("RELOADING=1\nMONOTONIC_USEC=\(now.tv_sec * 1_000_000 + now.tv_nsec / 1000)")
        defer { manager?.send("READY=1") }
        do {
            let later = configuration.replace(with: try load())
            logger.notice("The configuration was read again")
            if !later.isEmpty { logger.warning("Changes of \(later.joined(separator: ", ")) hold after a restart only (systemctl restart segmixd)") }
            changed.raise()
        } catch {
            logger.error("The configuration has faults and was not taken over; the one before holds on.\n\(error)")
        }
    }
}
