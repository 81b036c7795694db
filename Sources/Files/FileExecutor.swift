import Dispatch

/// Runs tasks that wait for disks and shares on a thread of their own, one after the other. Swift's own threads are as many as there are
/// cores, and everything else of the daemon needs them: its loop, which answers the watchdog, and the status page.
public final class FileExecutor: TaskExecutor {
    private let queue: DispatchQueue

    public init(_ label: String) { queue = DispatchQueue(label: label) }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }

    /// Does something there that may take as long as a share hangs.
    public func run<Value: Sendable>(_ body: @Sendable @escaping () throws -> Value) async throws -> Value {
        try await withTaskExecutorPreference(self) { try body() }
    }
}
