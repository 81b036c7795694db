/// Whether operations are recorded.
public enum Tape {
    nonisolated(unsafe) static var isPaused = false

    /// Runs `body` without recording: what it computes has no gradient, and keeps nothing for one (PyTorch's `no_grad`).
    public static func paused<Result>(_ body: () throws -> Result) rethrows -> Result {
        let before = isPaused
        isPaused = true
        defer { isPaused = before }
        return try body()
    }
}
