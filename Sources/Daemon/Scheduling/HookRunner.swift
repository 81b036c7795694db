import Files
import Foundation
import Jobs
import JobStore
import Logging

/// Tells others of a job's end: a command that gets the report's path, or a URL that gets a JSON object by POST.
///
/// That somebody is to be told is written down together with the end itself, and stays so until it has worked; a report is told
/// twice rather than never.
struct HookRunner: Sendable {
    let configuration: Configuration
    let store: JobStore
    let logger: Logger
    /// Is told of the process that tells, and of its end.
    var began: @Sendable (WorkerProcess) -> Void = { _ in }
    var ended: @Sendable (WorkerProcess) -> Void = { _ in }
    /// Longer than this no command may take: it may copy a result to another machine.
    let patience: Duration

    /// Looks at what lies in the outbox, which may be a share that hangs.
    private let outbox = FileExecutor("segmixd.hooks")

    /// What a webhook gets.
    struct Message: Encodable {
        let job: Int64, name: String, state: JobState, result: String?, report: String?, error: String?
        let queued: Date, started: Date?, ended: Date?
    }

    /// - Parameter mayGiveUp: whether it is not to be tried again where it fails.
    /// - Returns: whether nothing is left to do for this end.
    func perform(_ id: String, run: Int, mayGiveUp: () -> Bool = { false }) async throws -> Bool {
        guard let record = try store.record(id) else { return true }
        let job = record.runs[run]
        let place = record.place(run: run).map { Directory.joined(configuration.outbox, $0) }
        // Where all of a folder's jobs fail, what is wrong stands once, at the top.
        let files = place.map { place in
            job.state == .done ? ["report.html", "report.json"].map { Directory.joined(place, $0) } : [place, Directory.parent(of: place)].map { Directory.joined($0, "error.txt") }
        }
        let report = try await outbox.run { files?.first { Folder.exists($0) } ?? place }
        guard let target = job.state == .done ? configuration.onFinish : configuration.onFailure else {
            try store.update(id) { $0.runs[run].hook = nil }
            return true
        }
        let message = Message(
            job: job.number, name: record.title(run: run), state: job.state, result: place, report: report, error: job.error.map(Self.shortened),
            queued: job.queued, started: job.started, ended: job.ended)
        let end = try await tell(target, message)
        let isTold = end == .exited(0), givesUp = !isTold && mayGiveUp()
        try store.update(id) { record in
            // Taken up again meanwhile, it may have come to another end, of which is told on its own.
            let now = record.runs[run]
            guard now.state == job.state, now.ended == job.ended else { return }
            record.runs[run].hook = isTold ? .done : givesUp ? .failed : .pending
        }
        let name = Self.name(target)
        try store.note(job.number, isTold ? "told \(name)" : "could not tell \(name): \(end)")
        if !isTold { logger.warning("\(name) could not be told of job \(job.number) (\(message.name.onOneLine())): \(end)") }
        return isTold || givesUp
    }

    /// What everybody may read of it: a webhook's path, and what is handed to a command, are often secrets.
    static func name(_ target: String) -> String {
        // `TOKEN=secret notify`: what is set for a command is none of its name.
        guard isURL(target) else { return target.split(whereSeparator: \.isWhitespace).first { !$0.contains("=") }.map(String.init) ?? "the command" }
        return URLComponents(string: target)?.host ?? "the webhook"
    }

    private static func isURL(_ target: String) -> Bool { target.hasPrefix("http://") || target.hasPrefix("https://") }

    /// A process takes no more than 128 KiB in one piece; the whole is in `error.txt`.
    private static func shortened(_ error: String) -> String { error.utf8.count <= 16_384 ? error : String(error.unicodeScalars.prefix(4000)) + "…" }

    private func tell(_ target: String, _ message: Message) async throws -> WorkerProcess.End {
        let json = String(decoding: try JSONEncoder([.sortedKeys, .withoutEscapingSlashes], dates: .iso8601).encode(message), as: UTF8.self)
        let isURL = Self.isURL(target)
        // The URL goes through the environment: nobody's list of processes shows a secret in it.
        let script = isURL
            ? #"""
                url=$(printf '%s' "$SEGMIX_HOOK_URL" | sed 's/[\\"]/\\&/g')
                code=$(printf 'url = "%s"\n' "$url" | curl --globoff --silent --show-error --fail --max-time 50 --header 'Content-Type: application/json' \
                    --data-raw "$SEGMIX_MESSAGE" --output /dev/null --write-out '%{http_code}' --config -) || exit
                case $code in 2??) ;; *) echo "the webhook was answered with $code" >&2; exit 22;; esac
                """#
            : target + #" "$1""#
        var environment = ProcessInfo.processInfo.environment
        environment["SEGMIX_MESSAGE"] = json
        environment["SEGMIX_JOB"] = String(message.job)
        environment["SEGMIX_NAME"] = message.name
        environment["SEGMIX_STATE"] = message.state.rawValue
        environment["SEGMIX_RESULT"] = message.result ?? ""
        if isURL { environment["SEGMIX_HOOK_URL"] = target }
        let process = try WorkerProcess(
            executable: "/bin/sh", arguments: ["-c", script, "sh", message.report ?? ""], environment: environment, output: 2, errors: 2)
        began(process)
        defer { ended(process) }
        return await process.wait(atMost: patience)
    }
}
