/// When jobs may run, in local time: from the first minute up to, not including, the last. `22:00-06:00` goes
/// through midnight.
public struct RunningHours: Equatable, Sendable, Codable {
    /// Minutes since midnight.
    public let from: Int, to: Int

    /// Reads `HH:MM-HH:MM`; nil where it is something else, or no time at all.
    public init?(_ text: String) {
        let ends = text.filter { !$0.isWhitespace }.replacing("–", with: "-").split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let from = Self.minutes(ends[0]), let to = Self.minutes(ends[1]), from != to else { return nil }
        self.from = from
        self.to = to
    }

    /// Whether a job may run at `minute` since midnight.
    public func contains(minute: Int) -> Bool {
        from < to ? (from..<to).contains(minute) : minute >= from || minute < to
    }

    private static func minutes(_ text: Substring) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), parts.allSatisfy({ (1...2).contains($0.count) && $0.allSatisfy { $0.isASCII && $0.isNumber } }),
            let hour = Int(parts[0]), let minute = parts.count == 2 ? Int(parts[1]) : 0, minute < 60, hour * 60 + minute <= 24 * 60
        else { return nil }
        return hour * 60 + minute
    }
}
