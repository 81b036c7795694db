import ArgumentParser
import Files
import Foundation
import Jobs
import JobStore

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "What runs, what waits and what has ended; or all that is known of one job.")

    @OptionGroup var options: QueueOptions

    @Argument(help: "A job: its number or its name.")
    var job: String?

    @Flag(help: "As JSON.")
    var json = false

    @Option(help: "How many jobs that have ended to show.")
    var ended = 20

    private struct Overview: Encodable {
        let daemon: Bool, jobs: [JobSummary], notices: [Notice]
    }

    private struct Details: Encodable {
        let job: JobSummary, attempts: [JobAttempt], events: [JobEvent], folder: String, log: String?
    }

    func run() throws {
        try options.withQueue(forReading: true) { store, configuration in
            let runs = QueueOptions.daemonRuns(configuration)
            if let job { return try show(store.find(job), store, configuration) }
            let overview = Overview(daemon: runs, jobs: try store.summaries(ended: max(0, ended)), notices: try store.notices())
            if json { return try printJSON(overview) }
            if !runs { print("segmixd is not running.") }
            for notice in overview.notices { print("note: \(notice.text.onOneLine())") }
            print(Self.table(overview.jobs))
        }
    }

    private func show(_ job: JobSummary, _ store: JobStore, _ configuration: Configuration) throws {
        guard let (record, run) = try store.job(job.number) else { return }
        let files = JobFiles(configuration)
        let details = Details(
            job: job, attempts: try store.attempts(job.number), events: try store.events(job.number), folder: files.places(record, run: run)[0].folder,
            log: files.log(record, run: run)?.path)
        if json { return try printJSON(details) }
        print("job \(job.number): \(job.name.onOneLine()), \(job.isCancelling ? "is being cancelled" : job.state.rawValue)")
        if let progress = job.progress, job.state == .running { print(progress.sentence) }
        if job.priority != 0 { print("priority: \(job.priority)") }
        if let notBefore = job.notBefore { print("not before: \(Self.local(notBefore))") }
        print("files: \(details.folder.onOneLine())")
        if let log = details.log { print("log: \(log.onOneLine())") }
        if let error = job.error { print("\n" + error.split(separator: "\n").map { String($0).onOneLine() }.joined(separator: "\n") + "\n") }
        for event in details.events { print("\(Self.local(event.time))  \(event.text.onOneLine())") }
    }

    static func table(_ jobs: [JobSummary]) -> String {
        if jobs.isEmpty { return "No jobs." }
        let rows = [["JOB", "NAME", "STATE", "SINCE", "PROGRESS"]] + jobs.map { job in
            let since = job.state.isFinal ? job.ended : job.state == .queued ? job.queued : job.started
            let progress = switch job.state {
            case .running: job.progress?.sentence ?? ""
            case .queued: job.notBefore.map { $0 > Date() ? "not before \(local($0))" : "" } ?? (job.attempts > 0 ? "tried \(job.attempts) times" : "")
            case .failed: job.error.map { String($0.prefix { $0 != "\n" }) } ?? ""
            default: job.result ?? ""
            }
            return [String(job.number), job.name.onOneLine(), job.isCancelling ? "cancelling" : job.state.rawValue, since.map(local) ?? "", progress.onOneLine()]
        }
        let widths = (0..<4).map { column in rows.map { $0[column].count }.max()! }
        return rows.map { row in
            (0..<4).map { row[$0] + String(repeating: " ", count: widths[$0] - row[$0].count) }.joined(separator: "  ") + "  " + row[4]
        }.joined(separator: "\n")
    }

    static func local(_ date: Date) -> String {
        var seconds = time_t(date.timeIntervalSince1970)
        var parts = tm()
        localtime_r(&seconds, &parts)
        return String(format: "%04d-%02d-%02d %02d:%02d:%02d", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec)
    }
}
