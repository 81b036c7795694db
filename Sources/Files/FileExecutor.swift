import Dispatch
import Synchronization

/// Runs tasks that wait for disks and shares on a thread of their own, one after the other. Swift's own threads are as many as there are
/// cores, and everything else of the daemon needs them: its loop, which answers the watchdog, and the services beside it.
public final class FileExecutor: TaskExecutor {
    private let queue: DispatchQueue
    /// Since when it does what `run(within:)` began.
    private let began = Mutex<ContinuousClock.Instant?>(nil)

    public init(_ label: String) { queue = DispatchQueue(label: label) }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }

    /// Does something there that may take as long as a share hangs.
    public func run<Value: Sendable>(_ body: @Sendable @escaping () throws -> Value) async throws -> Value {
        try await withTaskExecutorPreference(self) { try body() }
    }

    /// The same, waited for no longer than `patience` seconds; what was begun goes on.
    /// - Returns: nil where it is not done by then; at once, and without a beginning, where the one before has taken longer already.
    public func run<Value: Sendable>(within patience: Int, _ body: @Sendable @escaping () throws -> Value) async throws -> Value? {
        if let since = began.withLock({ $0 }), ContinuousClock.now - since > .seconds(patience) { return nil }
        return try await withCheckedThrowingContinuation { continuation in
            let waiting = Waiting(continuation)
            queue.async {
                self.began.withLock { $0 = .now }
                let result = Result { Value?.some(try body()) }
                self.began.withLock { $0 = nil }
                waiting.resume(result)
            }
            DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(patience)) { waiting.resume(.success(nil)) }
        }
    }

    /// The same for who cannot suspend.
    /// - Returns: nil where it is not done within `patience` seconds; it goes on.
    public static func answer<Value: Sendable>(within patience: Int, _ body: @Sendable @escaping () -> Value) -> Value? {
        let answer = Answer<Value>(), done = DispatchSemaphore(value: 0)
        DispatchQueue(label: "segmixd.answer").async {
            let value = body()
            answer.value.withLock { $0 = value }
            done.signal()
        }
        return done.wait(timeout: .now() + .seconds(patience)) == .success ? answer.value.withLock { $0 } : nil
    }

    private final class Answer<Value: Sendable>: Sendable {
        let value = Mutex<Value?>(nil)
    }

    /// Resumed by whoever comes first.
    private final class Waiting<Value: Sendable>: Sendable {
        private let continuation: Mutex<CheckedContinuation<Value?, any Error>?>

        init(_ continuation: CheckedContinuation<Value?, any Error>) { self.continuation = Mutex(continuation) }

        func resume(_ result: Result<Value?, any Error>) {
            continuation.withLock { continuation in
                defer { continuation = nil }
                return continuation
            }?.resume(with: result)
        }
    }
}
