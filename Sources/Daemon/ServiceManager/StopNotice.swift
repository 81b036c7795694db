import ServiceLifecycle

/// Among the last services of a group, and so among the first to hear that the group is to end.
struct StopNotice: Service {
    let notify: @Sendable () -> Void

    func run() async throws {
        try? await gracefulShutdown()
        notify()
    }
}
