import Foundation

/// The moment before which a job does not start, as it is written: a date in local time, with or without a time of day.
public enum StartTime {
    /// `2026-12-24`, `2026-12-24 22:00`, `2026-12-24T22:00:30`; nil where it is something else, or no time at all.
    /// In the hour that a clock skips it is a moment right after.
    public static func date(_ text: String, in zone: TimeZone = .current) -> Date? {
        let halves = text.split(whereSeparator: { $0 == " " || $0 == "T" })
        guard (1...2).contains(halves.count) else { return nil }
        let day = numbers(halves[0], by: "-", digits: [4, 2, 2])
        let time = halves.count == 2 ? numbers(halves[1], by: ":", digits: [2, 2, 2]) : [0, 0]
        guard let day, day.count == 3, let time, time.count >= 2 else { return nil }
        var parts = DateComponents(year: day[0], month: day[1], day: day[2], hour: time[0], minute: time[1], second: time.count > 2 ? time[2] : 0)
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        parts.calendar = calendar
        guard parts.isValidDate else { return nil }
        calendar.timeZone = zone
        return calendar.date(from: parts)
    }

    private static func numbers(_ text: Substring, by separator: Character, digits: [Int]) -> [Int]? {
        let pieces = text.split(separator: separator, omittingEmptySubsequences: false)
        guard pieces.count <= digits.count, zip(pieces, digits).allSatisfy({ $0.count == $1 && $0.allSatisfy { $0.isASCII && $0.isNumber } }) else { return nil }
        return pieces.compactMap { Int($0) }
    }
}
