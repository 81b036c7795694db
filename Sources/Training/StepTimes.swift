/// Where the seconds of an optimizer step went.
public struct StepTimes: Sendable {
    /// Pictures, their latents, the prediction (DCO's second one too), its gradient, the update.
    public enum Part: String, CaseIterable, Sendable { case data, vae, forward, backward, optimizer }

    private var last = ContinuousClock.now
    private var sums: [Part: Double] = [:]

    public init() {}

    /// What has passed since the mark before belongs to `part`.
    mutating func mark(_ part: Part) {
        let now = ContinuousClock.now
        sums[part, default: 0] += (now - last) / .seconds(1)
        last = now
    }

    /// Seconds of a part, over all micro-steps.
    public subscript(_ part: Part) -> Double { sums[part] ?? 0 }
    public var total: Double { sums.values.reduce(0, +) }
}
