import Files
import Foundation
import GRDB
import Jobs
import Testing

@testable import JobStore

@Suite struct JobStoreTests {
    /// A state directory with a queue, removed in the end.
    private final class Place {
        let state = StateDirectory(NSTemporaryDirectory() + "segmix-store-\(UUID().uuidString)")
        let store: JobStore
        init() throws {
            try state.prepare()
            store = try JobStore.openForDaemon(state).0
        }
        deinit { try? FileManager.default.removeItem(atPath: state.path) }

        @discardableResult
        func add(_ id: String, _ runs: [JobRecord.Run] = [.init(specificationFile: "job.yaml", name: "job")]) throws -> JobRecord {
            try store.add(JobRecord(id: id, name: "n-" + id, source: "/inbox/" + id, claimed: Date(timeIntervalSince1970: 1000), runs: runs))
        }
    }

    /// A queue that a later release keeps in another form is not damaged, and stays as it is.
    @Test func theQueueOfALaterRelease() throws {
        let place = try Place(), database = try DatabaseQueue(path: place.state.database)
        try place.add("a")
        // More columns are no other form.
        try database.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('99'); ALTER TABLE job ADD COLUMN mood TEXT") }
        #expect(try JobStore.openForDaemon(place.state).0.record("a")?.name == "n-a")
        try database.write { try $0.execute(sql: "ALTER TABLE notice RENAME TO remark") }
        #expect { _ = try JobStore.openForDaemon(place.state) } throws: { "\($0)".contains("is that of a newer segmixd") }
        #expect(try database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM job") } == 1)
    }

    /// Each change is on the disk when its call returns.
    @Test func changesSurviveTheMachine() throws {
        let place = try Place()
        #expect(try place.store.read { try Int.fetchOne($0, sql: "PRAGMA synchronous") } == 2)
        let another = try JobStore.open(place.state, forReading: false)
        #expect(try another.read { try Int.fetchOne($0, sql: "PRAGMA synchronous") } == 2)
        #expect(try place.store.read { try String.fetchOne($0, sql: "PRAGMA journal_mode") } == "wal")
    }

    /// What a disk did not give says nothing of what is on it.
    @Test func whatCannotBeReadIsNotDamaged() {
        let unread = "Tree 2 page 3: unable to get the page. error code=266"
        #expect(JobStore.verdict([unread]) == .SQLITE_IOERR && JobStore.verdict(["row 3 missing from index i", unread]) == .SQLITE_IOERR)
        #expect(JobStore.verdict(["Tree 2 page 3: unable to get the page. error code=11"]) == .SQLITE_CORRUPT)
        #expect(JobStore.verdict(["row 3 missing from index i"]) == .SQLITE_CORRUPT && JobStore.verdict([]) == .SQLITE_CORRUPT)
    }

    /// Every pair of states: what is in the table goes, and nothing else does.
    @Test func theTableOfStatesIsKept() throws {
        let allowed = Set(JobState.transitions.map { "\($0.from) \($0.to)" })
        #expect(allowed.count == JobState.transitions.count)
        for from in JobState.allCases {
            for to in JobState.allCases where to != from {
                let place = try Place()
                try place.add("a", [.init(specificationFile: nil, name: "job", state: from)])
                let isAllowed = allowed.contains("\(from) \(to)")
                do {
                    try place.store.update("a") { $0.runs[0].state = to }
                    #expect(isAllowed, "\(from) became \(to)")
                } catch let error as StoreError {
                    #expect(!isAllowed && error == StoreError(.notPossible, "Job 1 is \(from) and cannot become \(to)."))
                }
                #expect(try place.store.record("a")?.runs[0].state == (isAllowed ? to : from))
                #expect(try place.store.events(1).count == (from == .queued ? 1 : 2) + (isAllowed ? 1 : 0))
            }
        }
        // From everywhere there is a way to an end, and from every end but success a way back.
        for state in JobState.allCases where !state.isFinal { #expect(JobState.transitions.contains { $0.from == state }) }
        #expect(JobState.transitions.filter { $0.from.isFinal }.map(\.to) == [.queued, .queued])
    }

    /// The models of others may lie on a share that hangs.
    @Test func aRunThatHasBegunGoesByItsModelAlone() async throws {
        let place = try Place(), record = try place.add("a")
        func configuration(_ root: String) -> Jobs.Configuration {
            var configuration = Jobs.Configuration()
            configuration.models["own"] = Jobs.Configuration.Model(base: root + "/own", vae: root + "/vae")
            configuration.models["other"] = Jobs.Configuration.Model(base: root + "/other")
            configuration.defaultJob = try? YAMLReader.parse(Array("model: own".utf8), file: "x.yaml")
            return configuration
        }
        let now = configuration("/new"), snapshot = place.state.configuration(of: "a", run: 0)
        func goesBy(_ there: Set<String>) async -> (own: String?, other: String?, asked: [String]) {
            var asked: [String] = []
            let found = await place.state.configuration(now, for: record, run: 0) { path in
                asked.append(path)
                return there.contains(path)
            }
            return (found.models["own"]?.base, found.models["other"]?.base, asked)
        }
        #expect(await goesBy([]) == ("/new/own", "/new/other", []))
        try Directory.create(place.state.output(record, run: 0) + "/.segmixd/resume")
        try ConfigurationSnapshot.write(configuration("/old"), to: snapshot)
        #expect(await goesBy(["/old/own", "/old/vae"]) == ("/old/own", "/new/other", ["/old/own", "/old/vae"]))
        #expect(await goesBy(["/old/own"]) == ("/new/own", "/new/other", ["/old/own", "/old/vae"]))
        // A name that is not said is as good, whatever else lies in the same place.
        var unsaid = configuration("/old")
        unsaid.defaultJob = nil
        unsaid.models["default"] = unsaid.models["other"]
        for i in 0..<8 { unsaid.models["alias\(i)"] = unsaid.models["other"] }
        try ConfigurationSnapshot.write(unsaid, to: snapshot)
        #expect(await place.state.configuration(now, for: record, run: 0) { _ in true }.models["default"]?.base == "/old/other")
        #expect(await goesBy(["/old/other"]) == ("/new/own", "/new/other", ["/old/other"]))
        // One that is configured no more stays where it was.
        try ConfigurationSnapshot.write({ var old = configuration("/old"); old.models["gone"] = Jobs.Configuration.Model(base: "/old/gone"); return old }(), to: snapshot)
        #expect(await place.state.configuration(now, for: record, run: 0) { _ in false }.models["gone"]?.base == "/old/gone")
    }

    /// `segmix status` by somebody who may not write there, between two nights: nobody has the queue open then.
    @Test(.enabled(if: geteuid() == 0, "only root can be somebody else")) func anybodyMayLookWithoutADaemon() throws {
        let state = StateDirectory(NSTemporaryDirectory() + "segmix store ü%?#-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(atPath: state.path) }
        try state.prepare()
        var daemons: JobStore? = try JobStore.openForDaemon(state).0
        try daemons!.add(JobRecord(id: "a", name: "toys", source: "/inbox/toys", claimed: Date(), runs: [.init(specificationFile: "job.yaml", name: "job")]))
        func names() throws -> [String] {
            try #require(seteuid(65534) == 0)
            defer { seteuid(0) }
            return try JobStore.open(state, forReading: true).summaries().map(\.name)
        }
        try #require(chmod(state.path, 0o755) == 0)
        #expect(try names() == ["toys"])
        daemons = nil
        #expect(!FileManager.default.fileExists(atPath: state.database + "-wal"))
        #expect(try names() == ["toys"])
    }

    @Test func recordsComeBackAsTheyWere() throws {
        let place = try Place()
        var run = JobRecord.Run(specificationFile: "b.yaml", name: "b", priority: -3, notBefore: Date(timeIntervalSince1970: 5000.5))
        run.memory = 12_345
        let added = try place.add("a", [.init(specificationFile: nil, name: "job"), run])
        #expect(added.runs.map(\.number) == [1, 2] && added.runs[1].notBefore == run.notBefore && added.runs[1].memory == 12_345)
        let changed = try place.store.update("a") {
            $0.runs[1].state = .running
            $0.runs[1].attempts = 1
            $0.runs[1].worker = WorkerIdentity(pid: 77, started: .max - 5)
            $0.resultFolder = "x"
            $0.runs[0].hook = .pending
        }
        let again = try JobStore.open(place.state, forReading: true).record("a")
        #expect(again?.runs[1].worker == WorkerIdentity(pid: 77, started: .max - 5))
        #expect(again?.resultFolder == "x" && again?.runs[0] == changed.runs[0])
        try place.store.update("a", remark: "why") { $0.runs[1].state = .queued; $0.runs[1].lastEnd = "killed" }
        #expect(try place.store.attempts(2).map(\.outcome) == ["killed"] && place.store.attempts(2)[0].pid == 77)
        #expect(try place.store.record("a")?.runs[1].worker == nil)
        #expect(try place.store.events(2).map(\.text) == ["taken from the inbox", "started", "put back: why"])
    }

    @Test func whatIsNextGoesByPriorityAndAge() throws {
        let place = try Place(), now = Date()
        try place.add("1", [.init(specificationFile: nil, name: "job", priority: -1)])
        try place.add("2", [.init(specificationFile: nil, name: "a"), .init(specificationFile: nil, name: "b", priority: 4)])
        try place.add("3", [.init(specificationFile: nil, name: "job", priority: 9, notBefore: now + 60)])
        var done: Set<JobStore.Work> = []
        var order: [JobStore.Work] = []
        while let work = try place.store.work(at: now, excluding: done, mayRun: true) {
            order.append(work)
            done.insert(work)
        }
        #expect(order == [.run(folder: "2", run: 1), .run(folder: "2", run: 0), .run(folder: "1", run: 0)])
        #expect(try place.store.work(at: now + 61, excluding: [], mayRun: true) == .run(folder: "3", run: 0))
        #expect(try place.store.work(at: now + 61, excluding: [], mayRun: false) == nil)
        #expect(try abs(place.store.nextStart(after: now)!.timeIntervalSince(now + 60)) < 0.001)
        // What brings a folder to its end comes first.
        try place.store.update("1") { $0.runs[0].state = .cancelled }
        #expect(try place.store.work(at: now, excluding: [], mayRun: true) == .finish(folder: "1"))
        // Nothing is done with a folder while it is moved.
        #expect(try place.store.work(at: now, excluding: [], busy: [.reopen(folder: "1"), .finish(folder: "2")], mayRun: true) == nil)
        #expect(try place.store.work(at: now, excluding: [], busy: [.finish(folder: "1")], mayRun: true) == .run(folder: "2", run: 1))
        // Results of one folder appear one after the other.
        for run in 0..<2 {
            try place.store.update("2") { $0.runs[run].state = .running }
            try place.store.update("2") { $0.runs[run].state = .publishing }
        }
        let first = JobStore.Work.publish(folder: "2", run: 0)
        #expect(try place.store.work(at: now, excluding: [], busy: [.finish(folder: "1")], mayRun: true) == first)
        #expect(try place.store.work(at: now + 61, excluding: [first], busy: [.finish(folder: "1"), first], mayRun: true) == .run(folder: "3", run: 0))
    }

    @Test func requests() throws {
        let place = try Place()
        try place.add("a")
        #expect(try place.store.cancel(1, daemonRuns: true) == .cancelled)
        try place.store.update("a") { $0.state = .closed; $0.failedAs = "n-a.cancelled" }
        #expect(try place.store.summary(1)?.result == "n-a.cancelled")
        #expect(try place.store.retry(1) == .queued)
        #expect(try place.store.record("a")?.state == .reopening && place.store.work(excluding: [], mayRun: true) == .reopen(folder: "a"))
        #expect(throws: StoreError(.notPossible, "Job 1 is queued: there is nothing to retry.")) { try place.store.retry(1) }
        try place.store.update("a") { $0.state = .open; $0.runs[0].state = .running }
        // Its daemon was killed, and its worker too.
        #expect(try place.store.cancel(1, daemonRuns: false) == .cancelled)
        try place.store.retry(1)
        try place.store.update("a") { $0.runs[0].state = .running }
        #expect(try place.store.cancel(1, daemonRuns: true) == .running && place.store.cancellations() == [1])
        try place.store.update("a") { $0.runs[0].state = .queued }
        #expect(try place.store.record("a")?.runs[0].isCancelling == false)
    }

    @Test func jobsAreFoundByNumberAndName() throws {
        let place = try Place()
        try place.add("a")
        try place.add("b", [.init(specificationFile: "x.yaml", name: "x"), .init(specificationFile: "y.yaml", name: "y")])
        #expect(try place.store.find("1").name == "n-a" && place.store.find("n-a").number == 1 && place.store.find("n-b/y").number == 3)
        #expect(throws: StoreError(.noSuchJob, "n-b has several jobs; say which: n-b/x (2), n-b/y (3).")) { try place.store.find("n-b") }
        #expect(throws: StoreError(.noSuchJob, "There is no job zzz. `segmix status` lists them.")) { try place.store.find("zzz") }
    }

    /// What somebody names must never be another job than they mean.
    @Test func namesThatCouldMeanSeveralJobs() throws {
        let place = try Place(), store = place.store
        func add(_ id: String, _ name: String) throws {
            try store.add(JobRecord(id: id, name: name, source: "/x", claimed: Date(), runs: [.init(specificationFile: nil, name: "job")]))
        }
        for (id, name) in [("a", "toys"), ("b", "1"), ("c", "0120"), ("d", "toys"), ("e", "Mu\u{308}ller"), ("f", "toys")] { try add(id, name) }
        // A folder that is called like another job's number.
        #expect(throws: StoreError(.noSuchJob, "1 is the number of job 1 (toys) and the name of job 2; say +1 for the one, 2 for the other.")) { try store.find("1") }
        #expect(try store.find("+1").number == 1 && store.find("2").number == 2 && store.find("1/job").number == 2)
        #expect(try store.find("0120").number == 3)
        #expect(throws: StoreError(.noSuchJob, "There is no job 03. `segmix status` lists them.")) { try store.find("03") }
        // Accents as the keyboard makes them, and as a Mac stores them.
        #expect(try store.find("M\u{fc}ller").number == 5)
        // The newest of a name is meant, unless others wait too and one is to be cancelled.
        #expect(try store.find("toys").number == 6)
        let open: Set<JobState> = [.queued, .running]
        #expect(throws: StoreError(.noSuchJob, "toys has several jobs; say which: toys (6), toys (4), toys (1).")) { try store.find("toys", in: open) }
        for id in ["a", "f"] {
            try store.update(id) { $0.runs[0].state = .running }
            try store.update(id) { $0.runs[0].state = .failed; $0.runs[0].error = "It is broken." }
        }
        #expect(try store.find("toys", in: open).number == 4 && store.find("toys", in: [.failed, .cancelled]).number == 6)
        try store.cancel(4, daemonRuns: false)
        #expect(try store.find("toys", in: open).number == 6)
    }

    @Test func changesOfOtherProgramsAreSeen() throws {
        let place = try Place()
        try place.add("a")
        #expect(try place.store.hasChangedFromOutside() == false && place.store.hasChangedFromOutside() == false)
        try place.store.setPriority(1, 3)
        #expect(try place.store.hasChangedFromOutside() == false)
        try JobStore.open(place.state, forReading: false).setPriority(1, 4)
        #expect(try place.store.hasChangedFromOutside() == true && place.store.hasChangedFromOutside() == false)
    }

    @Test func noticesComeAndGo() throws {
        let place = try Place()
        try place.store.setNotices(["inbox/a": "1", "inbox/b": "2"], prefix: "inbox/")
        try place.store.setNotices(["queue": "3"], prefix: "queue")
        try place.store.setNotices(["inbox/b": "4"], prefix: "inbox/")
        #expect(try place.store.notices().map(\.text) == ["4", "3"])
    }

    /// Layouts and sheets are no renders, a link is no folder of theirs, and of countless ones the newest are meant.
    @Test func picturesOfAJob() throws {
        let place = try Place(), record = try place.add("a"), samples = place.state.output(record, run: 0) + "/samples"
        var configuration = Jobs.Configuration()
        configuration.state = place.state.path
        let files = JobFiles(configuration)
        try Directory.create(samples)
        func touch(_ name: String) { close(creat(samples + "/" + name, 0o644)) }
        for name in ["render-1.png", "layout-1.png", "layout-1-a-b.png", "contact-sheet.png", "checkpoints.png", "candidates.png", ".x.png", "x.txt"] { touch(name) }
        #expect(files.pictures(record, run: 0) == ["samples/render-1.png"])
        for i in 1000..<2000 { touch("step-\(i).png") }
        let pictures = files.pictures(record, run: 0)
        #expect(pictures.count == 1000 && pictures.first == "samples/step-1000.png" && pictures.last == "samples/step-1999.png")
        #expect(rename(samples, place.state.path + "/elsewhere") == 0 && symlink(place.state.path + "/elsewhere", samples) == 0)
        #expect(files.pictures(record, run: 0) == [])
    }

    @Test func aQueueThatIsNotThereOrNotOursIsNamed() throws {
        let state = StateDirectory("/nowhere/at/all")
        #expect(throws: StoreError.self) { try JobStore.open(state, forReading: true) }
        let place = try Place()
        try Data(repeating: 7, count: 5000).write(to: URL(fileURLWithPath: place.state.path + "/other"))
        #expect(StateDirectory.stamp(Date(timeIntervalSince1970: 1_700_000_000.25)) == "20231114-221320-250")
    }
}

extension JobStoreTests {
    /// Numbers of events and of jobs drift apart; each event is its job's.
    @Test func jobsThatHaveFailedFromTheStart() throws {
        let path = NSTemporaryDirectory() + "segmix-store-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let state = StateDirectory(path)
        try state.prepare()
        let store = try JobStore.openForDaemon(state).0
        for id in ["a", "b", "c"] {
            let run = JobRecord.Run(specificationFile: nil, name: "job", state: .failed, error: "no")
            try store.add(JobRecord(id: id, name: id, source: "/x", claimed: Date(), runs: [run, run].enumerated().map { var r = $1; r.name += "\($0)"; return r }))
        }
        #expect(try (1...6).allSatisfy { try store.events($0).map(\.text) == ["taken from the inbox", "failed"] })
    }
}
