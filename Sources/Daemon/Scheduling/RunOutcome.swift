import Files
import Foundation
import Jobs

/// Why a worker was asked to end.
enum StopReason: Equatable, Sendable {
    /// The daemon ends; the `hours` are over; the disk is nearly full: the job goes on another time.
    case shutdown, hours, disk
    /// Somebody wants it to end for good.
    case cancelled
    /// It has said nothing for so many seconds.
    case stalled(Double)
    /// It took so many bytes of memory.
    case memory(Int)

    /// Whether it goes on another time, and this attempt does not count.
    var isPause: Bool { self == .shutdown || self == .hours || self == .disk }

    /// What the event says.
    var remark: String {
        switch self {
        case .shutdown: "the daemon ends"
        case .hours: "the hours for jobs are over"
        case .disk: "the disk is nearly full"
        case .cancelled: "on request"
        case .stalled(let seconds): "no sign of life for \(ProgressLine.words(seconds: seconds))"
        case .memory(let bytes): "it took \(bytes >> 20) MiB of memory"
        }
    }
}

/// What follows from the way in which a worker ended.
enum RunOutcome: Equatable {
    case publish
    case cancel
    /// Stopped because we asked: it goes on another time, and this attempt does not count.
    case requeue
    case retry(after: Duration, reason: String)
    case fail(String)

    /// - Parameters:
    ///   - end: how the worker ended.
    ///   - asked: why it was asked to end, if it was.
    ///   - hasResult: whether it left anything to publish.
    ///   - attempts: with this one.
    ///   - lastWords: the end of its log.
    static func of(
        _ end: WorkerProcess.End, asked: StopReason?, hasResult: Bool, attempts: Int, maxAttempts: Int,
        lastWords: String, delay: (Int) -> Duration
    ) -> RunOutcome {
        if end == .exited(0) {
            return hasResult ? .publish : .fail("The worker ended without an error and without a result.\(said(lastWords))")
        }
        if asked == .cancelled { return .cancel }
        // A disk that was nearly full may have been full before the worker heard of it.
        if asked == .disk, end == .exited(ExitStatus.inputOutput.rawValue) { return .requeue }
        if asked?.isPause ?? false, end == .exited(ExitStatus.stopped.rawValue) || end == .killed(signal: SIGTERM) { return .requeue }
        let status: ExitStatus? = if case .exited(let code) = end { ExitStatus(rawValue: code) } else { nil }
        let worthRetrying = if case .killed = end { true } else { status?.isWorthRetrying ?? false }
        let reason = reason(end, asked)
        if worthRetrying, attempts < maxAttempts {
            // On one line of the log; what was written last names the file. What the worker says of its progress comes by another way, and may
            // stand after it.
            let lines = lastWords.split(separator: "\n")
            guard case .exited = end, let told = lines.last(where: { !ProgressLine.isProgress($0) }) ?? lines.last else { return .retry(after: delay(attempts), reason: reason) }
            return .retry(after: delay(attempts), reason: "\(reason) It said: \(String(told).onOneLine())")
        }
        // What the worker ended with, and nothing that it said on the way there; what is wrong comes first, for whoever reads one line.
        let tries = worthRetrying && attempts > 1 ? " It was tried \(attempts) times." : ""
        if let status, [.badInput, .unavailable, .inputOutput].contains(status), case let words = lastWords.split(separator: "\n"), !words.isEmpty {
            let told = words.filter { !ProgressLine.isProgress($0) }, said = (told.isEmpty ? words : told).joined(separator: "\n")
            return .fail(status == .inputOutput ? "\(reason)\(tries)\n\n\(said)" : "\(said)\n\n\(reason)")
        }
        return .fail("\(reason)\(tries)\(said(lastWords))")
    }

    /// 30 s, 2 min, 8 min, at most 30 min.
    static func defaultDelay(attempt: Int) -> Duration {
        var seconds = 30
        for _ in 1..<max(1, attempt) where seconds < 1800 { seconds *= 4 }
        return .seconds(min(seconds, 1800))
    }

    private static let smaller = "use a smaller `resolution` or `train_batch_size`, or set `mixed_precision: bf16` or `gradient_checkpointing: true`."

    private static func reason(_ end: WorkerProcess.End, _ asked: StopReason?) -> String {
        switch asked {
        case .stalled(let seconds):
            return "The worker gave no sign of life for \(ProgressLine.words(seconds: seconds)) and was ended; where its steps take that long, raise `stall_seconds` of the configuration."
        case .memory(let bytes):
            return "The worker took \(bytes >> 20) MiB of memory, more than `memory_per_job` of the configuration allows; \(smaller)"
        default: break
        }
        switch end {
        case .killed(SIGKILL): return "The worker was killed, most likely because the machine ran out of memory; \(smaller)"
        case .killed(let signal): return "The worker crashed (signal \(signal), \(String(cString: strsignal(signal)))). This is a fault of segmix."
        case .exited(let code):
            return switch ExitStatus(rawValue: code) {
            case .badInput: "The folder or its specification is not in order; correct that and put the folder into the inbox again."
            case .unavailable: "A model or a device is missing or not in order; the one who looks after this machine must set it up (`models` of the configuration)."
            case .inputOutput: "A file could not be read or written: a disk failed or is full, or a share went away; mend what is named below."
            case .stopped: "The worker was stopped again and again before it was done."
            case .usage: "The worker did not understand how it was started: segmixd and segmix are of different versions; install both anew."
            default: "The worker failed (exit status \(code)). This is a fault of segmix."
            }
        }
    }

    private static func said(_ lastWords: String) -> String { lastWords.isEmpty ? "" : "\n\n\(lastWords)" }
}
