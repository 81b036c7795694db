import Foundation
import Logging

/// Writes to standard error: for systemd's journal with its priorities and without the time, which the journal has
/// itself; elsewhere with time and level.
public struct JournalLogHandler: LogHandler {
    public var logLevel = Logger.Level.info
    public var metadata: Logger.Metadata = [:]
    private let isJournal: Bool

    /// - Parameter isJournal: left out: whether systemd has connected standard error to its journal.
    public init(isJournal: Bool? = nil) {
        self.isJournal = isJournal ?? Self.isConnected(ProcessInfo.processInfo.environment["JOURNAL_STREAM"], 2)
    }

    /// Whether a descriptor is what systemd has connected to its journal: `DEVICE:INODE` (systemd.exec(5)).
    static func isConnected(_ stream: String?, _ descriptor: Int32) -> Bool {
        var status = stat()
        return fstat(descriptor, &status) == 0 && stream == "\(status.st_dev):\(status.st_ino)"
    }

    /// What ends the program, as it is; in the journal as an error.
    public static func writeEnd(_ text: String) {
        let isJournal = JournalLogHandler().isJournal
        FileHandle.standardError.write(Data((isJournal ? formatted(text, level: .error, isJournal: true, at: Date()) : text + "\n").utf8))
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        var line = event.message.description
        for (key, value) in metadata.merging(event.metadata ?? [:], uniquingKeysWith: { $1 }).sorted(by: { $0.key < $1.key }) {
            line += " \(key)=\(value)"
        }
        let bytes = Array(Self.formatted(line, level: event.level, isJournal: isJournal, at: Date()).utf8)
        // One call for a line, so that lines of two threads do not mix.
        _ = write(2, bytes, bytes.count)
    }

    static func formatted(_ message: String, level: Logger.Level, isJournal: Bool, at date: Date) -> String {
        guard isJournal else { return "\(date.ISO8601Format()) \(level): \(message)\n" }
        let priority = switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
        // Every line of a message carries its priority.
        return message.split(separator: "\n", omittingEmptySubsequences: false).map { "<\(priority)>\($0)\n" }.joined()
    }
}
