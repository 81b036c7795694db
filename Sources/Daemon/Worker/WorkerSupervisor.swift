import Files
import Foundation
import Jobs
import JobStore
import Logging

/// Stays with a running worker: stops it when the time for jobs is over or the disk is nearly full, ends it where it is silent for
/// too long or takes too much memory, keeps its log short, and writes down how far it is.
struct WorkerSupervisor: Sendable {
    let worker: RunningWorker
    let log: WorkerLog
    /// As it holds now.
    let live: LiveConfiguration
    let store: JobStore
    let logger: Logger

    func watch() async {
        var told: ProgressLine?
        var ending: SuspendingClock.Instant?
        while true {
            do { try await Task.sleep(for: .seconds(1), clock: .continuous) } catch { return }
            let configuration = live.current
            if let hours = configuration.hours, !hours.areNow { worker.ask(.hours) }
            if let free = Directory.freeBytes(at: configuration.state), free < configuration.minFreeSpace { worker.ask(.disk) }
            if let limit = configuration.memoryPerJob, let taken = worker.process.anonymousMemory, taken > limit { worker.kill(.memory(taken)) }
            if let ending, SuspendingClock.now - ending > .seconds(10) { worker.process.kill() }
            let patience = max(configuration.stallSeconds, 30 * log.secondsPerStep)
            if ending == nil, log.silence > .seconds(patience) {
                logger.warning("Job \(worker.number) gives no sign of life (process \(worker.process.pid)); it is ended")
                ending = .now
                worker.ask(.stalled(patience))
            }
            log.rotate()
            if let latest = log.latest, latest != told {
                // On a full disk the page shows an old step, nothing worse.
                if (try? store.setProgress(worker.number, latest)) != nil { told = latest }
            }
        }
    }
}
