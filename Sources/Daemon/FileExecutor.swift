import Dispatch

/// Runs tasks that wait for disks and shares on a thread of their own, one after the other. Swift's own threads are as many as there are
/// cores, and everything else of the daemon needs them: its loop, which answers the watchdog, and the status page.
final class FileExecutor: TaskExecutor {
    private let queue: DispatchQueue

    init(_ label: String) { queue = DispatchQueue(label: label) }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
