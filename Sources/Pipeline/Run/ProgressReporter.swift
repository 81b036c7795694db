import Files
import Foundation
import Jobs

/// Tells people, a log or the daemon how far the job is: a bar on a terminal, plain lines where the output is none,
/// JSON lines where the daemon asks for them.
public final class ProgressReporter {
    private enum Style { case bar, lines, json }
    private let style: Style
    private var lastLine = ContinuousClock.now - .seconds(3600)
    private var barIsOpen = false
    private var log: LogFile?
    private var pace = LogPace()

    public init() {
        let environment = ProcessInfo.processInfo.environment
        if environment[ProgressLine.environmentKey] == "json" {
            style = .json
        } else {
            // A dumb terminal cannot go back to the beginning of a line.
            style = isatty(STDOUT_FILENO) == 1 && environment["TERM"] != "dumb" ? .bar : .lines
        }
    }

    /// Writes what is told from now on into a log too, unless a daemon does so.
    /// - Throws: `FileError`.
    public func keepLog(_ path: String) throws(FileError) {
        if style != .json { log = try LogFile(path) }
    }

    /// What ends the job, for the log alone: it is told elsewhere.
    func keep(_ failure: JobFailure) { log?.write(failure.description) }

    /// One step of many. Plain lines come at most every ten seconds, for the daemon those of sampling every second; the
    /// first and the last always.
    public func step(_ line: ProgressLine) {
        if let log, pace.isWorthALine(line) { log.write(line.sentence) }
        switch style {
        case .json:
            if line.phase == .train || isDue(line, after: .seconds(1)) { put(line.encoded + "\n", patience: .zero) }
        case .bar:
            let step = line.step ?? 0, total = max(line.total ?? 1, 1), width = 24
            let filled = min(width, width * step / total)
            let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
            put("\r\u{1B}[K" + "\(bar) \(line.sentence)".prefix(Self.columns - 1), patience: .zero)
            barIsOpen = true
            if step >= total { closeBar() }
        case .lines:
            if isDue(line, after: .seconds(10)) { put(line.sentence + "\n", patience: .zero) }
        }
    }

    /// Of the terminal: a line that breaks cannot be written anew.
    private static var columns: Int {
        var size = winsize()
        return ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 1 ? Int(size.ws_col) : 80
    }

    private func isDue(_ line: ProgressLine, after interval: Duration) -> Bool {
        let now = ContinuousClock.now
        guard line.step == 1 || line.step == line.total || now - lastLine > interval else { return false }
        lastLine = now
        return true
    }

    /// A sentence that stays.
    public func say(_ phase: ProgressLine.Phase, _ sentence: String) {
        closeBar()
        // Captions and names come from strangers.
        let sentence = sentence.onOneLine(atMost: 4000)
        log?.write(sentence)
        put(style == .json ? ProgressLine(phase: phase, message: sentence).encoded + "\n" : sentence + "\n", patience: .seconds(2))
    }

    private func closeBar() {
        if barIsOpen { put("\n", patience: .zero) }
        barIsOpen = false
    }

    /// A reader that has gone away must not end the job, and one that does not read must not hold it up: after `patience` it is left out.
    private func put(_ text: String, patience: Duration) {
        var output = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
        guard poll(&output, 1, Int32(patience.components.seconds * 1000)) != 0 else { return }
        _ = text.withCString { write(STDOUT_FILENO, $0, strlen($0)) }
    }
}
