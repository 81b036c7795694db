import ServiceLifecycle
import Synchronization

/// Whether a service was asked to end, be it by a signal or because another service has failed.
final class Stopping: Sendable {
    private let flag = Mutex(false)

    var isStopped: Bool { flag.withLock { $0 } }

    func stop() { flag.withLock { $0 = true } }

    /// Runs `body` to its own end and calls `then` as soon as the service is asked to stop.
    func whileNotStopped<Result: Sendable>(
        then: @escaping @Sendable () -> Void, _ body: @Sendable () async throws -> Result
    ) async throws -> Result {
        let stop: @Sendable () -> Void = {
            self.stop()
            then()
        }
        return try await withTaskCancellationHandler {
            try await withGracefulShutdownHandler { try await body() } onGracefulShutdown: { stop() }
        } onCancel: {
            stop()
        }
    }
}
