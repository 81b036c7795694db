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

    /// A folder of what the job makes, and what it lies below: between the two no link may lead away.
    public struct Place: Sendable {
        public let folder: String, root: String
    }

    /// Where a file of the job can be, in the order in which files come through; more than one where it is on its way to the outbox. Its
    /// parts go there one by one, so each is in one of these, whenever they are looked through.
    public func places(_ record: JobRecord, run: Int) -> [Place] {
        if let place = record.place(run: run) { return [Place(folder: Directory.joined(outbox, place), root: outbox)] }
        let own = state.output(record, run: run)
        let start = Place(folder: own, root: Directory.parent(of: own)), isOne = record.runs.count == 1
        switch record.runs[run].state {
        case .queued, .running, .done: return [start]
        case .publishing:
            let parent = record.resultFolder.map { Directory.joined(outbox, $0) } ?? outbox
            let names = [ResultName.partial(record.id, run: run, of: record.runs.count)] + (record.runs[run].publishedAs.map { [$0] } ?? [])
            return [start] + names.map { Place(folder: Directory.joined(parent, $0), root: outbox) }
        case .failed, .cancelled:
            let names = [ResultName.failedPartial(record.id)] + (record.failedAs.map { [$0] } ?? [])
            return [start] + names.map { Place(folder: Directory.joined(outbox, isOne ? $0 : $0 + "/" + ResultName.existing(record.runs[run].name, in: Directory.joined(outbox, $0))), root: outbox) }
        }
    }

    /// The folder in which `file` lies; where it lies in none, that in which it would come up.
    public func place(_ record: JobRecord, run: Int, of file: String) -> Place {
        let places = places(record, run: run)
        return places.first { Folder.exists($0.folder + "/" + file) } ?? places[0]
    }

    /// The job's log, and what it lies below; nil where there is none (yet).
    public func log(_ record: JobRecord, run: Int) -> (path: String, root: String)? {
        let own = state.log(record, run: run)
        let candidates = [(own, Directory.parent(of: own))] + places(record, run: run).map { ($0.folder + "/job.log", $0.root) }
        return candidates.first { Folder.exists($0.0) }.map { (path: $0.0, root: $0.1) }
    }

    /// So many pictures are listed.
    static let mostPictures = 1000
    /// Put together from others.
    private static let sheets: Set = ["contact-sheet.png", "checkpoints.png", "candidates.png"]

    /// The rendered pictures in `samples`, without layouts and sheets, the newest last, relative to the job's folder; of many the newest
    /// thousand.
    public func pictures(_ record: JobRecord, run: Int) -> [String] {
        let samples = place(record, run: run, of: "samples").folder + "/samples"
        guard Folder.isDirectory(samples) else { return [] }
        let names = ((try? Folder.names(samples)) ?? []).filter { name in
            name.hasSuffix(".png") && ![".", "layout-"].contains { name.hasPrefix($0) } && !Self.sheets.contains(name)
        }
        func time(_ name: String) -> timespec {
            var status = stat()
            return stat(samples + "/" + name, &status) == 0 ? status.st_mtim : timespec()
        }
        let ordered = names.map { ($0, time($0)) }.sorted { ($0.1.tv_sec, $0.1.tv_nsec, $0.0) < ($1.1.tv_sec, $1.1.tv_nsec, $1.0) }
        return ordered.suffix(Self.mostPictures).map { "samples/" + $0.0 }
    }
}
