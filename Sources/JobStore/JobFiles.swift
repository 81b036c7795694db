import Files
import Foundation
import Jobs

/// Where a job's files lie at this moment: in the state directory while it is going on, in the outbox afterwards.
public struct JobFiles: Sendable {
    let state: StateDirectory
    let outbox: String

    public init(_ configuration: Jobs.Configuration) {
        state = StateDirectory(configuration.state)
        outbox = configuration.outbox
    }

    /// The folder of what the job makes, whether or not anything is there yet.
    public func folder(_ record: JobRecord, run: Int) -> String {
        record.place(run: run).map { Directory.joined(outbox, $0) } ?? state.output(record, run: run)
    }

    /// What `folder` lies below: between the two no link may lead away.
    public func root(_ record: JobRecord, run: Int) -> String {
        record.place(run: run) == nil ? Directory.parent(of: state.output(record, run: run)) : outbox
    }

    /// The job's log; nil where there is none (yet).
    public func log(_ record: JobRecord, run: Int) -> String? {
        let folder = folder(record, run: run)
        let candidates = [state.log(record, run: run), folder + "/job.log", folder + "/worker.log"]
        return candidates.first { Folder.exists($0) }
    }

    /// The newest picture in `samples`, relative to the job's folder.
    public func latestPicture(_ record: JobRecord, run: Int) -> String? {
        pictures(record, run: run).last
    }

    /// All pictures in `samples`, the newest last, relative to the job's folder.
    public func pictures(_ record: JobRecord, run: Int) -> [String] {
        let samples = folder(record, run: run) + "/samples"
        let names = ((try? Folder.names(samples)) ?? []).filter { $0.hasSuffix(".png") && !$0.hasPrefix(".") && $0 != "contact-sheet.png" }
        func age(_ name: String) -> Int {
            var status = stat()
            return stat(samples + "/" + name, &status) == 0 ? Int(status.st_mtim.tv_sec) * 1_000_000 + Int(status.st_mtim.tv_nsec) / 1000 : 0
        }
        return names.map { ($0, age($0)) }.sorted { ($0.1, $0.0) < ($1.1, $1.0) }.map { "samples/" + $0.0 }
    }
}
