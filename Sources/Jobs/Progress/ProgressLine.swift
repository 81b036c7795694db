import Files
import Foundation

/// What a worker tells the daemon on its standard output: one JSON object per line, between plain lines that are
/// meant for the job's log.
public struct ProgressLine: Codable, Equatable, Sendable {
    public enum Phase: String, Codable, Sendable, CaseIterable {
        case check, prepare, encode, train, save, render, score, publish
    }

    public var phase: Phase
    /// Within the phase: optimizer steps in `train`, pictures in `render`.
    public var step: Int?
    public var total: Int?
    public var loss: Double?
    public var secondsPerStep: Double?
    /// Seconds until the phase is over.
    public var remaining: Double?
    /// Bytes that the worker holds in memory.
    public var memory: Int?
    /// One sentence for people.
    public var message: String?

    /// A worker writes progress lines where this variable of its environment is `json`.
    public static let environmentKey = "SEGMIX_PROGRESS"

    public init(
        phase: Phase, step: Int? = nil, total: Int? = nil, loss: Double? = nil, secondsPerStep: Double? = nil,
        remaining: Double? = nil, memory: Int? = nil, message: String? = nil
    ) {
        self.phase = phase
        self.step = step
        self.total = total
        self.loss = loss
        self.secondsPerStep = secondsPerStep
        self.remaining = remaining
        self.memory = memory
        self.message = message
    }

    /// One line without its end. Numbers that JSON does not have (a loss that is not finite) are left out.
    public var encoded: String {
        var line = self
        if let value = line.loss, !value.isFinite { line.loss = nil }
        if let value = line.secondsPerStep, !value.isFinite { line.secondsPerStep = nil }
        if let value = line.remaining, !value.isFinite { line.remaining = nil }
        guard let data = try? JSONEncoder([.sortedKeys, .withoutEscapingSlashes]).encode(line) else { preconditionFailure("progress that cannot be encoded: \(line)") }
        return String(decoding: data, as: UTF8.self)
    }

    /// nil where the line is something else: it belongs into the log.
    public init?(line: String) {
        guard line.hasPrefix("{"), line.utf8.count <= 65_536, let value = try? JSONDecoder().decode(Self.self, from: Data(line.utf8)) else { return nil }
        self = value
    }

    /// `train 20/2010, loss 0.1234, 3.2 s a step, 1 h 46 min left`
    public var sentence: String {
        var parts = [phase.rawValue]
        if let step { parts[0] += total.map { " \(step)/\($0)" } ?? " \(step)" }
        if let loss { parts.append("loss \(String(format: "%.4f", loss))") }
        if let secondsPerStep { parts.append("\(String(format: "%.2f", secondsPerStep)) s a step") }
        if let remaining { parts.append("\(Self.words(seconds: remaining)) left") }
        if let memory { parts.append(String(format: "%.1f GiB", Double(memory) / Double(1 << 30))) }
        let summary = parts.joined(separator: ", ")
        return message.map { "\(summary): \($0)" } ?? summary
    }

    /// Whether a line of a log is such a sentence about one step of many.
    public static func isStep(_ sentence: some StringProtocol) -> Bool {
        let words = sentence.prefix { $0 != "," && $0 != ":" }.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 2, Phase(rawValue: String(words[0])) != nil else { return false }
        let numbers = words[1].split(separator: "/", omittingEmptySubsequences: false)
        return numbers.count == 2 && numbers.allSatisfy { Int($0) != nil }
    }

    /// Whether a line of a log is such a sentence at all.
    public static func isProgress(_ sentence: some StringProtocol) -> Bool {
        isStep(sentence) || Phase.allCases.contains { sentence == $0.rawValue || sentence.hasPrefix($0.rawValue + ": ") || sentence.hasPrefix($0.rawValue + ", ") }
    }

    /// `1 h 46 min`, `3 min 20 s`, `12 s`.
    public static func words(seconds: Double) -> String {
        let whole = seconds.isFinite ? Int(min(max(0, seconds.rounded()), 1e12)) : 0
        let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60)
        if hours > 0 { return "\(hours) h \(minutes) min" }
        return minutes > 0 ? "\(minutes) min \(rest) s" : "\(rest) s"
    }
}
