/// Which progress is worth a line in a log: a sentence of its own, a phase's first step and its last, and one about once a minute.
public struct LogPace: Sendable {
    private var phase: ProgressLine.Phase?
    private var written: ContinuousClock.Instant?

    public init() {}

    public mutating func isWorthALine(_ progress: ProgressLine) -> Bool {
        let now = ContinuousClock.now
        let isDue = written.map { now - $0 > .seconds(60) } ?? true
        guard progress.message != nil && progress.step == nil || phase != progress.phase || isDue || progress.step == progress.total && progress.step != nil else { return false }
        (phase, written) = (progress.phase, now)
        return true
    }
}
