import Files
import Foundation
import Jobs
import JobStore
import Logging

/// One look at the inbox after the other.
struct InboxScan {
    struct Finding {
        /// Every folder that may become a job.
        var folders: [String] = []
        /// Those that are complete, by name.
        var settled: [String] = []
        /// Those that cannot be looked through.
        var unreadable: [String] = []
        /// When the next of the others may be.
        var next: ContinuousClock.Instant?

        /// Those that are going to be.
        var waiting: Set<String> = []
        /// How often to look, in seconds.
        var rhythm = 0.0

        mutating func wait(for name: String, until due: ContinuousClock.Instant) {
            waiting.insert(name)
            next = min(next ?? due, due)
        }
    }

    let configuration: Configuration
    let logger: Logger
    private var tracker: SettleTracker
    /// What was said about a name, so that it is said once.
    private var complaints: [RawPath: String] = [:]
    /// Folders that could not be taken: how often in a row, and when to try again.
    private var refused: [RawPath: (count: Int, until: ContinuousClock.Instant)] = [:]
    /// Folders that other daemons are taking: what they were like, when to look again, and whether nothing had changed then.
    private var takings: [RawPath: (fingerprint: FolderLook.Fingerprint, due: ContinuousClock.Instant, isLeft: Bool)] = [:]

    /// What waits in the inbox, and why, by name; the inbox itself has the empty name.
    var notices: [String: String] { Dictionary(complaints.map { ($0.key.text, $0.value) }, uniquingKeysWith: { first, _ in first }) }

    init(configuration: Configuration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        tracker = SettleTracker(settle: .seconds(configuration.settleSeconds))
    }

    mutating func look(at now: ContinuousClock.Instant) -> Finding {
        var finding = Finding()
        /// Names that are not UTF-8.
        var strange: Set<RawPath> = []
        if let mount = ForeseenMount.missing(for: configuration.inbox) {
            complain(about: "", "The inbox \(configuration.inbox) is empty until \(mount) is mounted; mount it")
            return finding
        }
        var names: [String] = []
        do throws(FileError) {
            for bytes in try RawPath(configuration.inbox).names() {
                let name = RawPath(name: bytes)
                if let text = name.exactText { names.append(text) } else if !IgnoredFiles.contains(name.text) { strange.insert(name) }
            }
            names.sort()
        } catch {
            complain(about: "", "The inbox cannot be read: \(error)")
            return finding
        }
        var strays = 0
        for name in names where !("/" + name).hasPrefix("/") && !IgnoredFiles.contains(name) {
            complain(about: RawPath(name), after: &strays, "\(name.onOneLine()) in the inbox is left alone: its name begins with an accent or another mark that belongs to the letter before it; rename it")
        }
        for name in strange.sorted(by: { $0.text < $1.text }) {
            complain(about: name, after: &strays, "\(name.text.onOneLine()) in the inbox is left alone: its name is not UTF-8, shown here with � in its place; rename it")
        }
        for name in names {
            guard let taking = Claim.parts(ofTaking: name) else { continue }
            if isLeft(name, taking.id, at: now) {
                complain(about: RawPath(name), after: &strays, "\(name.onOneLine()) in the inbox is a folder that another segmixd was taking and has not touched for a day; start the one whose state directory holds the job \(taking.id); if that is gone for ever, rename the folder to \(taking.name.onOneLine())")
            } else {
                complaints[RawPath(name)] = nil
            }
        }
        var kinds: [dev_t: FileSystemKind] = [:]
        finding.rhythm = FileSystemKind(of: configuration.inbox).rhythm(configuration.rescanSeconds)
        for name in names where !IgnoredFiles.contains(name) && ("/" + name).hasPrefix("/") {
            let path = Directory.joined(configuration.inbox, name)
            let kind: Folder.Kind?
            do throws(FileError) { kind = try Folder.kind(path) } catch {
                finding.unreadable.append(name)
                complain(about: name, "\(name.onOneLine()) in the inbox cannot be looked at: \(error)")
                continue
            }
            // It has left meanwhile.
            guard let kind else { continue }
            guard kind == .directory else {
                complain(about: RawPath(name), after: &strays, "\(name.onOneLine()) in the inbox is no folder and is left alone; a job is a folder with photos, metadata.jsonl and a job.yaml")
                continue
            }
            finding.folders.append(name)
            finding.rhythm = min(finding.rhythm, rhythm(of: path, &kinds))
            do throws(FileError) {
                let look = try FolderLook(at: path)
                // What was wrong with it at an earlier look is over.
                if refused[RawPath(name)] == nil { complaints[RawPath(name)] = nil }
                switch tracker.observe(name, look, at: now) {
                case .settled:
                    if let pause = refused[RawPath(name)]?.until, now < pause { finding.wait(for: name, until: pause) } else { finding.settled.append(name) }
                case .idle: break
                case .waiting(let due): finding.wait(for: name, until: due)
                }
            } catch {
                // Somebody else has taken it meanwhile, or it was renamed.
                if case .success(nil) = Result(catching: { () throws(FileError) in try Folder.kind(path) }) { continue }
                finding.unreadable.append(name)
                complain(about: name, "The folder \(name.onOneLine()) cannot be read: \(error)")
            }
        }
        if strays > Self.mostStrays {
            complain(about: "", "More than \(Self.mostStrays) things in the inbox are no jobs and are left alone; what is not named here is seen by looking into \(configuration.inbox)")
        } else {
            complaints[RawPath("")] = nil
        }
        tracker.keep(names)
        let present = strange.union(names.map { RawPath($0) } + [RawPath("")])
        complaints = complaints.filter { present.contains($0.key) }
        refused = refused.filter { present.contains($0.key) }
        takings = takings.filter { present.contains($0.key) }
        return finding
    }

    /// Whether nothing has changed for a day in a folder that another daemon was taking. It is looked through once a day: two looks that are
    /// equal tell as much as many, and no clocks have to agree.
    private mutating func isLeft(_ name: String, _ id: String, at now: ContinuousClock.Instant) -> Bool {
        let key = RawPath(name), known = takings[key]
        if let known, now < known.due { return known.isLeft }
        guard !Folder.exists(StateDirectory(configuration.state).job(id)) else {
            takings[key] = nil
            return false
        }
        guard let look = try? FolderLook(at: Directory.joined(configuration.inbox, name)) else { return known?.isLeft ?? false }
        let isLeft = known?.fingerprint == look.fingerprint
        takings[key] = (look.fingerprint, now + .seconds(86_400), isLeft)
        return isLeft
    }

    /// A share that is mounted in a local inbox has a rhythm of its own.
    private func rhythm(of path: String, _ kinds: inout [dev_t: FileSystemKind]) -> Double {
        var status = stat()
        guard stat(path, &status) == 0 else { return configuration.rescanSeconds }
        let kind = kinds[status.st_dev] ?? FileSystemKind(of: path)
        kinds[status.st_dev] = kind
        return kind.rhythm(configuration.rescanSeconds)
    }

    /// A settled folder could not be taken: it is tried again after a pause that grows, from five seconds to ten minutes.
    mutating func refuse(_ name: String, _ error: any Error, at now: ContinuousClock.Instant) {
        pause(name, at: now)
        complain(about: name, "The folder \(name.onOneLine()) cannot be taken: \(error)")
    }

    /// The same for one that is on its way: what is to be said of it is said elsewhere.
    mutating func pause(_ name: String, at now: ContinuousClock.Instant) {
        let count = (refused[RawPath(name)]?.count ?? 0) + 1
        refused[RawPath(name)] = (count, now + Self.pause(after: count))
    }

    static func pause(after count: Int) -> Duration {
        precondition(count >= 1, "InboxScan: refused \(count) times")
        return .seconds(min(600, 5 * Int(exp2(Double(min(count - 1, 10))))))
    }

    /// Says it once.
    private mutating func complain(about name: String, _ message: String) { complain(about: RawPath(name), message) }

    /// So many things that can be no jobs are named, of as many as somebody may drop.
    static let mostStrays = 100

    private mutating func complain(about name: RawPath, after strays: inout Int, _ message: String) {
        strays += 1
        if strays <= Self.mostStrays { complain(about: name, message) }
    }

    private mutating func complain(about name: RawPath, _ message: String) {
        if complaints.updateValue(message, forKey: name) != message { logger.warning("\(message)") }
    }
}

extension FileSystemKind {
    /// How often to look through a folder there, in seconds: as configured; at least every ten where no changes are reported.
    func rhythm(_ configured: Double) -> Double { self == .network ? min(configured, 10) : configured }
}
