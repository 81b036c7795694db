import Foundation
import Files
import Jobs
import JobStore
import TestFolders
import Testing

@testable import Daemon

/// What a new daemon makes of what an old one left, whenever that was stopped.
@Suite(.serialized) struct RecoveryTests {
    /// A daemon's recovery over a state directory that is not in use.
    private func recovery(_ shop: Workshop) throws -> (StateDirectory, JobStore, Claim) {
        let state = StateDirectory(shop.path + "/state")
        try state.prepare()
        let store = try JobStore.openForDaemon(state).0
        return (state, store, Claim(state: state, store: store, live: LiveConfiguration(shop.configuration), logger: Workshop.logger))
    }

    /// The folder of a job with its origin, as a claim makes it before it moves anything.
    private func begin(_ state: StateDirectory, _ shop: Workshop, _ name: String = "toys") throws -> (id: String, origin: JobOrigin) {
        let id = try state.makeJob(at: Date()), origin = JobOrigin(name: name, source: shop.path + "/inbox/" + name, claimed: Date())
        try Directory.create(state.job(id) + "/input")
        try state.save(origin, as: "origin.json", of: id)
        return (id, origin)
    }

    @Test func aClaimBrokenOffBeforeTheMove() async throws {
        let shop = try Workshop()
        try shop.drop("toys")
        let (state, store, claim) = try recovery(shop)
        _ = try state.makeJob(at: Date())
        let (id, _) = try begin(state, shop)
        try Directory.create(state.job(id) + "/input/.toys.copy")
        try Recovery(claim: claim).run()
        #expect(try store.records([.open, .closed]) == [])
        #expect(shop.names("state/jobs") == [] && shop.photos(of: "toys") == ["inbox/toys/a.jpg"])
        #expect(try await shop.daemon("echo x > $OUTPUT/x").run() == .drained(failures: 0))
        #expect(shop.names("outbox") == ["toys"])
    }

    @Test func aClaimBrokenOffAfterTheMove() async throws {
        let shop = try Workshop()
        try shop.drop("toys", specifications: ["a.yaml", "b.yaml"], specification: "priority: 3\nnot_before: 2031-05-01 22:00")
        let (state, store, claim) = try recovery(shop)
        let (id, origin) = try begin(state, shop)
        #expect(rename(origin.source, state.job(id) + "/input/toys") == 0)
        try Recovery(claim: claim).run()
        let record = try #require(try store.record(id))
        #expect(record.runs.map(\.name) == ["a", "b"] && record.runs.allSatisfy { $0.state == .queued && $0.priority == 3 })
        #expect(record.runs[0].notBefore == StartTime.date("2031-05-01 22:00") && record.runs.map(\.number) == [1, 2])
    }

    /// The queue is lost while a failed folder is on its way to an outbox that is away, or is an empty one by now.
    @Test func theOutboxGoesAwayMeanwhile() throws {
        let shop = try Workshop(), (state, store, claim) = try recovery(shop), recovery = Recovery(claim: claim)
        try shop.drop("toys")
        let (id, origin) = try begin(state, shop), partial = shop.path + "/outbox/.\(id).failed.partial"
        try Directory.create(state.job(id) + "/output/job")
        try Directory.create(partial)
        #expect(rename(origin.source, partial + "/input") == 0)
        #expect(rename(shop.path + "/outbox", shop.path + "/away") == 0)
        for isEmpty in [false, true] {
            if isEmpty { try Directory.create(shop.path + "/outbox") }
            try recovery.run()
            #expect(throws: FileError.self) { try recovery.adopt(id) }
            #expect(try shop.names("state/jobs") == [id] && store.records([.open, .closed]) == [])
        }
        rmdir(shop.path + "/outbox")
        #expect(rename(shop.path + "/away", shop.path + "/outbox") == 0)
        try recovery.adopt(id)
        #expect(try store.records([.open]).map(\.name) == ["toys"])
    }

    /// A share goes away while a folder is copied from it: when it is there again, so is the folder.
    @Test func theInboxGoesAwayMeanwhile() throws {
        let shop = try Workshop(), (state, store, claim) = try recovery(shop), recovery = Recovery(claim: claim)
        try shop.drop("toys")
        let (id, origin) = try begin(state, shop)
        try AtomicFile.write("", to: Claim.mark(state, id))
        #expect(rename(origin.source, Claim.taking(origin, id)) == 0)
        for share in ["away", "hidden"] {
            #expect(rename(shop.path + "/inbox", shop.path + "/" + share) == 0)
            if share == "hidden" { try Directory.create(shop.path + "/inbox") }
            try recovery.run()
            #expect(throws: FileError.self) { try recovery.adopt(id) }
            #expect(try shop.names("state/jobs") == [id] && store.records([.open, .closed]) == [])
            if share == "hidden" { rmdir(shop.path + "/inbox") }
            #expect(rename(shop.path + "/" + share, shop.path + "/inbox") == 0)
        }
        try recovery.adopt(id)
        #expect(try store.records([.open]).map(\.name) == ["toys"] && shop.photos(of: "toys") == ["state/jobs/\(id)/input/toys/a.jpg"])
    }

    /// A share shows late that a folder was hidden in it: until then nothing is given up.
    @Test func aShareShowsLateWhatItHas() throws {
        let shop = try Workshop(), (state, store, claim) = try recovery(shop), recovery = Recovery(claim: claim)
        try shop.drop("toys")
        let (id, origin) = try begin(state, shop)
        try AtomicFile.write(#require(FileSystemIdentity.text(of: shop.path + "/inbox")), to: Claim.mark(state, id))
        #expect(throws: FileError.self) { try recovery.adopt(id) }
        #expect(rename(origin.source, Claim.taking(origin, id)) == 0)
        try recovery.adopt(id)
        #expect(try store.records([.open]).map(\.name) == ["toys"] && shop.photos(of: "toys") == ["state/jobs/\(id)/input/toys/a.jpg"])
    }

    /// A share did not hide a folder and cannot say so, or the daemon was stopped before that: the same claim takes it, and is not left over.
    @Test func whatWasNotHiddenIsGoneOnWith() async throws {
        let shop = try Workshop()
        try shop.drop("toys")
        // A function of its own, so that the daemon lets go of its lock.
        func leave() throws -> String {
            let (state, _, _) = try recovery(shop), (id, _) = try begin(state, shop)
            try AtomicFile.write(#require(FileSystemIdentity.text(of: shop.path + "/inbox")), to: Claim.mark(state, id))
            return id
        }
        let id = try leave()
        #expect(try await shop.daemon("echo x > $OUTPUT/x").run() == .drained(failures: 0))
        #expect(shop.names("outbox") == ["toys"] && shop.names("state/jobs") == [] && shop.names("state/done") == [id])
    }

    /// Stopped before it had a folder out of the others' sight, which another daemon takes: the inbox tells that some minutes later, and
    /// another inbox tells nothing, unless the folder is there or it is a month later.
    @Test(arguments: [true, false]) func anotherDaemonHasTakenIt(_ isSame: Bool) throws {
        let shop = try Workshop(), (state, store, claim) = try recovery(shop), recovery = Recovery(claim: claim)
        let (id, origin) = try begin(state, shop), mark = Claim.mark(state, id)
        try AtomicFile.write(isSame ? #require(FileSystemIdentity.text(of: shop.path + "/inbox")) : "cifs //nas/studio 0", to: mark)
        #expect(throws: FileError.self) { try recovery.adopt(id) }
        let before = timeval(tv_sec: time(nil) - Recovery.latestSight - 60, tv_usec: 0)
        try #require(utimes(mark, [before, before]) == 0)
        if isSame {
            try recovery.adopt(id)
        } else {
            #expect(throws: FileError.self) { try recovery.adopt(id) }
            let (another, _) = try begin(state, shop, "dogs")
            try AtomicFile.write("cifs //nas/studio 0", to: Claim.mark(state, another))
            try #require(utimes(Claim.mark(state, another), [before, before]) == 0)
            try shop.drop("dogs")
            try recovery.adopt(another)
            #expect(shop.exists("inbox/dogs/a.jpg"))
        }
        #expect(shop.names("state/jobs") == (isSame ? [] : [id]))
        if !isSame {
            try state.save(JobOrigin(name: origin.name, source: origin.source, claimed: Date() - 31 * 86_400), as: "origin.json", of: id)
            try recovery.adopt(id)
        }
        #expect(try shop.names("state/jobs") == [] && store.records([.open, .closed]) == [])
    }

    /// A share comes back while the daemon is there: what was on its way from it arrives without another start.
    @Test func aFolderOnItsWayArrives() async throws {
        let shop = try Workshop()
        try shop.drop("toys")
        func leave() throws -> String {
            let (state, _, _) = try recovery(shop), (id, origin) = try begin(state, shop), hidden = Claim.taking(origin, id)
            try AtomicFile.write("", to: Claim.mark(state, id))
            #expect(rename(origin.source, shop.path + "/away") == 0)
            return hidden
        }
        let hidden = try leave(), daemon = try shop.daemon("echo x > $OUTPUT/x", drains: false)
        let running = Task { try await daemon.run() }
        try await shop.until("the notice") { (try? shop.store().notices().contains { $0.text.contains("is not in the queue yet") }) == true }
        #expect(rename(shop.path + "/away", hidden) == 0)
        try await shop.until("the result") { shop.exists("outbox/toys/x") && (try? shop.store().notices().isEmpty) == true }
        await daemon.stop()
        _ = try await running.value
    }

    /// A daemon that was killed while it wrote one of a job's small files leaves nothing of it for ever.
    @Test(arguments: [0, 65]) func aSmallFileBrokenOffIsRemoved(_ status: Int32) async throws {
        let shop = try Workshop()
        try shop.drop("toys")
        // A function of its own, so that the daemon lets go of its lock.
        func claimAndBreakOff() throws -> String {
            let (state, store, claim) = try recovery(shop)
            let record = try claim.take("toys")
            withExtendedLifetime(store) {}
            for file in [".placement.json.5cf2a5ae20585d97.tmp", "kept.txt"] {
                try "{".write(toFile: state.job(record.id) + "/" + file, atomically: false, encoding: .utf8)
            }
            // The same while it put a failure together in the outbox.
            let partial = shop.path + "/outbox/.\(record.id).failed.partial"
            if status != 0 {
                try Directory.create(partial)
                try "Th".write(toFile: partial + "/.error.txt.5cf2a5ae20585d97.tmp", atomically: false, encoding: .utf8)
            }
            return record.id
        }
        let id = try claimAndBreakOff()
        #expect(shop.names("state/jobs/\(id)").count == 4)
        _ = try await shop.daemon("echo x > $OUTPUT/x; exit \(status)").run()
        #expect(status == 0 || shop.names("outbox/toys.failed") == ["error.txt", "input", "job.log", "x"])
        #expect(shop.names("state/done/\(id)").filter { $0.hasPrefix(".") } == [] && shop.exists("state/done/\(id)/kept.txt"))
    }

    /// Being copied from another file system, a folder is hidden in the inbox under the job's identity: no other daemon takes it.
    @Test func aClaimBrokenOffWhileItWasCopied() async throws {
        let shop = try Workshop()
        try shop.drop("toys")
        let (state, store, claim) = try recovery(shop)
        let (id, origin) = try begin(state, shop)
        #expect(rename(origin.source, Claim.taking(origin, id)) == 0)
        try Directory.create(state.job(id) + "/input/.toys.copy")
        // It was killed while it wrote that the copy is whole.
        try AtomicFile.write("half", to: state.job(id) + "/input/..toys.moved.0123456789abcdef.tmp")
        // The start does not wait for it.
        try Recovery(claim: claim).run()
        #expect(try store.record(id) == nil && Folder.exists(Claim.taking(origin, id)))
        try Recovery(claim: claim).adopt(id)
        #expect(try store.record(id)?.runs.map(\.state) == [.queued])
        #expect(!shop.names("state/jobs/\(id)/input").contains { $0.hasSuffix(".tmp") })
        #expect(shop.names("inbox") == [] && shop.photos(of: "toys") == ["state/jobs/\(id)/input/toys/a.jpg"])
    }

    /// A truncated, overwritten or lost database: the queue is rebuilt from the folders, whatever state its jobs were in.
    @Test(arguments: ["truncated", "overwritten", "lost", "emptied"])
    func aDamagedDatabaseLosesNothing(_ damage: String) async throws {
        let shop = try Workshop { $0.maxAttempts = 1 }
        // One result of two is out, one job has failed, one is done, one waits.
        try shop.drop("two", specifications: ["a.yaml", "b.yaml"])
        try shop.drop("bad")
        try shop.drop("good")
        let script = "case $INPUT in */bad) exit 65;; esac; [ \"$SPEC\" != b.yaml ] || [ -e \(shop.path)/go ] || { echo b >> \(shop.path)/tries; trap 'exit 75' TERM; while :; do sleep 0.02; done; }; echo x > $OUTPUT/x; echo $INPUT $SPEC >> \(shop.path)/ran"
        // A function of its own, so that the daemon lets go of its lock.
        func runUntilHalf() async throws {
            let daemon = try shop.daemon(script, drains: false)
            let running = Task { try await daemon.run() }
            try await shop.until("the worker of b") { shop.exists("tries") && shop.exists("outbox/two/a") }
            await daemon.stop()
            _ = try await running.value
        }
        try await runUntilHalf()
        // The last connection to the database takes its log away; closing after the damage, it would write over it.
        try await shop.until("the closing of the database") { !shop.exists("state/queue.sqlite-wal") }
        let ranBefore = shop.read("ran") ?? ""
        let database = shop.path + "/state/queue.sqlite"
        switch damage {
        case "truncated": truncate(database, 5000)
        case "overwritten": try Data(repeating: 0x55, count: 20_000).write(to: URL(fileURLWithPath: database))
        case "emptied": truncate(database, 0)
        default: try FileManager.default.removeItem(atPath: database)
        }
        shop.touch("go")
        _ = try await shop.daemon(script).run()
        #expect(shop.names("outbox") == ["bad.failed", "good", "two"])
        #expect(shop.names("outbox/two") == ["a", "b"] && shop.names("outbox/two/a") == ["job.log", "x"])
        // What was out already did not run again.
        #expect(shop.read("ran")?.hasPrefix(ranBefore) == true)
        #expect((shop.read("ran") ?? "").split(separator: "\n").count == 3)
        #expect(shop.names("state").contains { $0.hasPrefix("queue.damaged-") } == (damage == "truncated" || damage == "overwritten"))
    }

    /// The state directory on another file system: folders are copied, compared, then removed.
    @Test(.enabled(if: device("/dev/shm") != nil && device("/dev/shm") != device(NSTemporaryDirectory())))
    func acrossFileSystems() async throws {
        let away = "/dev/shm/segmix-test-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: away) }
        let shop = try Workshop { $0.state = away }
        try shop.drop("toys")
        try shop.drop("bad")
        #expect(try await shop.daemon("cp \"$INPUT/a.jpg\" $OUTPUT/seen; case $INPUT in */bad) exit 65;; esac").run() == .drained(failures: 1))
        #expect(shop.names("inbox") == [] && shop.names("outbox") == ["bad.failed", "toys"])
        #expect(shop.names("outbox/bad.failed") == ["error.txt", "input", "job.log", "seen"])
        #expect(shop.read("outbox/bad.failed/input/a.jpg") == "photo of bad" && shop.read("outbox/toys/seen") == "photo of toys")
        let done = try Folder.names(away + "/done").filter { Folder.exists("\(away)/done/\($0)/input/toys/a.jpg") }
        #expect(done.count == 1)
        #expect(try Folder.names(away + "/done/" + done[0]).sorted() == ["configuration.json", "input", "logs", "origin.json", "placement.json"])
    }

    /// Taken up again while its folder is on its way to the outbox, wherever that was broken off: it comes back, whole.
    @Test(arguments: [false, true]) func takenUpAgainWhileItLeaves(_ isBrokenOff: Bool) async throws {
        let shop = try Workshop(), (state, store, claim) = try recovery(shop)
        try shop.drop("toys")
        let record = try claim.take("toys"), output = state.output(record, run: 0)
        try Directory.create(output + "/.segmixd/resume")
        try Data("half".utf8).write(to: URL(fileURLWithPath: output + "/x"))
        try store.update(record.id) { $0.runs[0].state = .running }
        try store.update(record.id) { $0.runs[0].state = .failed; $0.runs[0].error = "It has failed." }
        let publisher = ResultPublisher(state: state, store: store, configuration: shop.configuration)
        if isBrokenOff {
            // Half of it is there, and then something lies in the way.
            let obstacle = shop.path + "/outbox/\(ResultName.failedPartial(record.id))/error.txt"
            try Directory.create(obstacle)
            await #expect(throws: (any Error).self) { _ = try await publisher.finish(record.id) }
            try Directory.removeTree(obstacle)
            #expect(!shop.exists("state/jobs/\(record.id)/output/job/x"))
        }
        try store.retry(1)
        #expect(try store.record(record.id)?.state == .reopening)
        if !isBrokenOff { _ = try await publisher.finish(record.id) }
        #expect(try store.record(record.id)?.state == .reopening)
        try publisher.reopen(record.id)
        #expect(try store.record(record.id)?.state == .open && store.work(excluding: [], mayRun: true) == .run(folder: record.id, run: 0))
        #expect(shop.names("outbox") == [] && shop.read("state/jobs/\(record.id)/input/toys/a.jpg") == "photo of toys")
        #expect(try String(contentsOfFile: output + "/x", encoding: .utf8) == "half" && Folder.exists(output + "/.segmixd/resume"))
    }

    /// The same across file systems, broken off at every stage of a move: what had arrived comes back, what had not is whole where
    /// it was, nothing is there twice, and nothing stays in the outbox.
    @Test func takenUpAgainBetweenTwoFileSystems() async throws {
        let shop = try Workshop(), (state, store, claim) = try recovery(shop)
        try shop.drop("toys")
        let record = try claim.take("toys"), output = state.output(record, run: 0)
        let partial = shop.path + "/outbox/" + ResultName.failedPartial(record.id)
        try store.update(record.id) { $0.runs[0].state = .running }
        try store.update(record.id) { $0.runs[0].state = .failed; $0.runs[0].error = "It has failed." }
        func put(_ text: String, _ path: String) throws {
            try Directory.create(Directory.parent(of: path))
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        }
        // Being copied.
        try put("first", output + "/a")
        try put("fi", partial + "/.a.copy")
        // Copied and marked.
        try put("second", output + "/b")
        try put("second", partial + "/.b.copy")
        try put(output + "/b\n", partial + "/.b.moved")
        // Under its new name, which need not be its own.
        try put("third", output + "/c:d/e")
        try put("third", partial + "/c_d/e")
        try put(output + "/c:d\n", partial + "/.c_d.moved")
        // Its source being removed.
        try put("5", output + "/.f.leaving/5")
        for name in ["4", "5"] { try put(name, partial + "/f/" + name) }
        try put(output + "/f\n", partial + "/.f.moved")
        // There.
        try put("sixth", partial + "/g")
        try put("It ha", partial + "/.error.txt.0123456789abcdef.tmp")
        try store.retry(1)
        try ResultPublisher(state: state, store: store, configuration: shop.configuration).reopen(record.id)
        #expect(shop.names("outbox") == [] && shop.read("state/jobs/\(record.id)/input/toys/a.jpg") == "photo of toys")
        let names = try Folder.names(output).sorted()
        #expect(names == ["a", "b", "c_d", "f", "g"])
        for (name, text) in [("a", "first"), ("b", "second"), ("c_d/e", "third"), ("f/4", "4"), ("f/5", "5"), ("g", "sixth")] {
            #expect(try String(contentsOfFile: output + "/" + name, encoding: .utf8) == text)
        }
    }

    /// Somebody has taken a failed folder out of the outbox, and another job's has its name by now: it stays that one's.
    @Test func anotherJobsFolderIsNotTakenBack() async throws {
        let shop = try Workshop(), (state, store, claim) = try recovery(shop)
        let publisher = ResultPublisher(state: state, store: store, configuration: shop.configuration)
        var ids: [String] = []
        for _ in 1...2 {
            try shop.drop("toys")
            let id = try claim.take("toys").id
            try store.update(id) { $0.runs[0].state = .running }
            try store.update(id) { $0.runs[0].state = .failed; $0.runs[0].error = "It has failed." }
            #expect(try await publisher.finish(id) == "toys.failed")
            ids.append(id)
            if ids.count == 1 { try #require(rename(shop.path + "/outbox/toys.failed", shop.path + "/taken") == 0) }
        }
        try store.retry(1)
        try publisher.reopen(ids[0])
        let run = try #require(try store.record(ids[0])).runs[0]
        #expect(run.state == .failed && run.error?.contains("toys.failed is another job's by now") == true, "\(run.error ?? "")")
        // A note below the last line changes nothing, nor does a text that cannot be read.
        let text = shop.path + "/outbox/toys.failed/error.txt", note = try #require(FileHandle(forWritingAtPath: text))
        try note.seekToEnd()
        try note.write(contentsOf: Data("Anna: mended.\n".utf8))
        try note.close()
        #expect(shop.read("outbox/toys.failed/input/a.jpg") == "photo of toys" && !Folder.exists(state.job(ids[0]) + "/input/toys"))
        try store.retry(2)
        try publisher.reopen(ids[1])
        #expect(shop.names("outbox") == [] && Folder.exists(state.job(ids[1]) + "/input/toys/a.jpg"))
    }

    /// The folder for several results was not made yet when the daemon was killed, and has become somebody else's since.
    @Test func resultsDoNotMix() async throws {
        let shop = try Workshop(), (state, store, claim) = try recovery(shop)
        let publisher = ResultPublisher(state: state, store: store, configuration: shop.configuration)
        for (name, file, chosen) in [("toys", "toys.safetensors", "toys-2"), ("dogs", ".ID.0.partial/x", "dogs"), ("cats", nil, "cats")] {
            try shop.drop(name, specifications: ["a.yaml", "b.yaml"])
            let record = try claim.take(name)
            try store.update(record.id) { $0.resultFolder = name; $0.runs[0].state = .running }
            try store.update(record.id) { $0.runs[0].state = .publishing }
            try Directory.create(state.output(record, run: 0))
            try Directory.create(shop.path + "/outbox/" + name)
            if let file = file?.replacingOccurrences(of: "ID", with: record.id) {
                try Directory.create(Directory.parent(of: shop.path + "/outbox/\(name)/" + file))
                shop.touch("outbox/\(name)/" + file)
            }
            #expect(try await publisher.publish(record.id, run: 0) == chosen + "/a")
        }
    }

    /// What an earlier version made with the group's rights is the daemon's alone by now; what somebody has closed stays closed.
    @Test func theDaemonsOwnFoldersAreClosed() throws {
        let shop = try Workshop(), (state, _, claim) = try recovery(shop)
        try shop.drop("toys")
        let record = try claim.take("toys"), closed = shop.path + "/disk"
        try FileManager.default.createDirectory(atPath: closed, withIntermediateDirectories: true)
        try #require(rmdir(state.done) == 0 && symlink(closed, state.done) == 0)
        for (folder, mode) in [(closed, 0o2700), (state.jobs, 0o775), (state.job(record.id), 0o2775), (state.job(record.id) + "/input", 0o777)] as [(String, mode_t)] {
            try #require(chmod(folder, mode) == 0)
        }
        try state.prepare()
        let modes = [closed, state.jobs, state.job(record.id), state.job(record.id) + "/input"].map { mode($0, 0o7777) }
        #expect(modes == [0o2700, 0o755, 0o2755, 0o755])
    }

    /// A claim that was broken off is gone on with, whatever the inbox is by now; nothing else is taken from elsewhere.
    @Test func theInboxIsAnotherByNow() throws {
        let shop = try Workshop(), (state, store, claim) = try recovery(shop)
        for name in ["toys", "secret"] {
            try FileManager.default.createDirectory(atPath: shop.path + "/old/" + name, withIntermediateDirectories: true)
            try "{}".write(toFile: shop.path + "/old/\(name)/metadata.jsonl", atomically: true, encoding: .utf8)
            try "".write(toFile: shop.path + "/old/\(name)/job.yaml", atomically: true, encoding: .utf8)
        }
        var ids: [String: String] = [:]
        for name in ["toys", "secret"] {
            let id = try state.makeJob(at: Date()), origin = JobOrigin(name: name, source: shop.path + "/old/" + name, claimed: Date())
            try state.save(origin, as: "origin.json", of: id)
            try StateDirectory.create(state.job(id) + "/input")
            ids[name] = id
            if name == "toys" { try #require(rename(origin.source, Claim.taking(origin, id)) == 0) }
        }
        try Recovery(claim: claim).run()
        try Recovery(claim: claim).adopt(ids["toys"]!)
        #expect(try store.record(ids["toys"]!) != nil && store.record(ids["secret"]!) == nil)
        #expect(Folder.isDirectory(state.job(ids["toys"]!) + "/input/toys") && shop.exists("old/secret/job.yaml"))
        #expect(!Folder.exists(state.job(ids["secret"]!)))
    }

    /// Somebody who may write to the outbox puts links and pipes among what failed: they do not come back, and nothing is written through them.
    @Test(arguments: [false, true]) func onlyFilesAndFoldersComeBack(_ inputIsALink: Bool) async throws {
        let shop = try Workshop(), (state, store, claim) = try recovery(shop)
        try shop.drop("toys")
        let record = try claim.take("toys"), output = state.output(record, run: 0)
        try StateDirectory.create(output)
        try Data("half".utf8).write(to: URL(fileURLWithPath: output + "/x"))
        try store.update(record.id) { $0.runs[0].state = .running }
        try store.update(record.id) { $0.runs[0].state = .failed; $0.runs[0].error = "It has failed." }
        let publisher = ResultPublisher(state: state, store: store, configuration: shop.configuration)
        let name = try #require(try await publisher.finish(record.id)), place = shop.path + "/outbox/" + name, elsewhere = shop.path + "/elsewhere"
        for folder in [elsewhere, place + "/masks"] { try Directory.create(folder) }
        try #require(mkfifo(place + "/job.log", 0o600) == 0)
        for link in ["samples", ".segmixd", "masks/deep"] { try #require(symlink(elsewhere, place + "/" + link) == 0) }
        if inputIsALink { try #require(rename(place + "/input", elsewhere + "/toys") == 0 && symlink(elsewhere + "/toys", place + "/input") == 0) }
        try store.retry(1)
        try publisher.reopen(record.id)
        let run = try #require(try store.record(record.id)).runs[0]
        #expect(!Folder.exists(state.log(record, run: 0)) && shop.names("outbox/" + name).contains("job.log"))
        if inputIsALink {
            #expect(run.state == .failed && run.error?.contains("\(name) or its input is a link, which is not followed") == true && !Folder.exists(state.input(record)))
            #expect(shop.names("elsewhere") == ["toys"] && shop.exists("elsewhere/toys/a.jpg"))
        } else {
            #expect(run.state == .queued && shop.names("outbox/" + name) == [".segmixd", "job.log", "samples"] && shop.names("elsewhere") == [])
            #expect(try Folder.names(output).sorted() == ["masks", "x"] && Folder.names(output + "/masks") == [])
        }
    }

    /// Between the look and the taking somebody puts a link in a folder's place.
    @Test func aLinkIsNotTaken() throws {
        let shop = try Workshop(), (state, store, claim) = try recovery(shop), recovery = Recovery(claim: claim)
        try shop.drop("toys")
        #expect(rename(shop.path + "/inbox/toys", shop.path + "/elsewhere") == 0 && symlink(shop.path + "/elsewhere", shop.path + "/inbox/toys") == 0)
        #expect(throws: FileError.self) { _ = try claim.take("toys") }
        #expect(shop.names("state/jobs") == [] && shop.names("inbox") == ["toys"])
        // And while it is copied.
        let (id, origin) = try begin(state, shop)
        try AtomicFile.write("", to: Claim.mark(state, id))
        #expect(rename(origin.source, Claim.taking(origin, id)) == 0)
        #expect(throws: FileError.self) { try recovery.adopt(id) }
        #expect(shop.names("inbox") == ["toys"] && shop.names("state/jobs/\(id)/input") == [])
        try recovery.adopt(id)
        #expect(try shop.names("state/jobs") == [] && store.records([.open, .closed]) == [] && shop.names("elsewhere").contains("a.jpg"))
    }

    /// What a record of an origin says is not followed out of the inbox.
    @Test(arguments: [("../toys", "inbox/toys"), ("toys", "inbox/../toys/.."), ("..", "inbox/..")])
    func anOriginIsInTheInbox(_ name: String, _ source: String) throws {
        let shop = try Workshop(), (state, _, claim) = try recovery(shop), id = try state.makeJob(at: Date())
        try StateDirectory.create(state.job(id) + "/input")
        try state.save(JobOrigin(name: name, source: shop.path + "/" + source, claimed: Date()), as: "origin.json", of: id)
        #expect(throws: FileError.self) { try Recovery(claim: claim).adopt(id) }
        #expect(shop.names("state/jobs/\(id)") == ["input", "origin.json"])
    }

    /// Under the umask of systemd's unit: results are the group's, too, and the daemon's own folders are not.
    @Test func theGroupDoesNotWriteIntoTheQueue() throws {
        let program = try #require(Self.program), shop = try Workshop()
        try FileManager.default.copyItem(atPath: program, toPath: shop.path + "/segmixd")
        try "inbox: inbox\noutbox: outbox\nstate: state\nsettle_seconds: 0.05\nmin_free_space: 0\nstatus_page: none".write(toFile: shop.path + "/segmixd.yaml", atomically: true, encoding: .utf8)
        try """
            #!/bin/sh
            while [ $# -gt 0 ]; do [ "$1" = --output ] && O=$2; shift; done
            mkdir "$O/samples"; J=$O/../..
            stat -c %a "$J/.." "$J" "$J/input" "$J/logs" "$J/output" "$O" "$J/origin.json" "$J/configuration.json" | tr '\n' ' ' > "$O/modes"
            exit 65
            """.write(toFile: shop.path + "/segmix", atomically: true, encoding: .utf8)
        chmod(shop.path + "/segmix", 0o755)
        try shop.drop("toys")
        try shop.drop("bare", metadata: false)
        let daemon = Process()
        daemon.executableURL = URL(fileURLWithPath: "/bin/sh")
        daemon.arguments = ["-c", "umask 002; exec \"$0/segmixd\" --config \"$0/segmixd.yaml\" --drain", shop.path]
        daemon.standardError = FileHandle.nullDevice
        daemon.standardOutput = FileHandle.nullDevice
        try daemon.run()
        daemon.waitUntilExit()
        #expect(daemon.terminationStatus == 1 && shop.read("outbox/toys.failed/modes") == "755 755 755 755 755 755 644 644 ")
        let done = shop.path + "/state/done", failed = shop.path + "/outbox/toys.failed"
        #expect(mode(done) == 0o755 && shop.names("state/done").allSatisfy { mode(done + "/" + $0) == 0o755 })
        #expect(mode(failed) == 0o775 && mode(failed + "/samples") == 0o775 && mode(failed + "/error.txt") == 0o664)
        #expect(mode(failed + "/job.log") == 0o644 && mode(shop.path + "/outbox/bare.failed/job.log") == 0o644)
    }

    /// A share takes no links, and no two names that differ in case; here it is paths that would become too long. What went wrong is said
    /// all the same, and where the folder is.
    @Test(.enabled(if: device("/dev/shm") != nil && device("/dev/shm") != device(NSTemporaryDirectory())))
    func whatTheOutboxCannotHold() async throws {
        let name = String(repeating: "n", count: 200), away = "/dev/shm/segmix-test-\(UUID().uuidString)"
        defer { try? Directory.removeTree(away) }
        let outbox = away + String(repeating: "/" + name, count: 17)
        try Directory.create(outbox)
        let shop = try Workshop { $0.outbox = outbox }
        try shop.drop("bad")
        let deep = shop.path + "/inbox/bad" + String(repeating: "/" + name, count: 4)
        try Directory.create(deep)
        try Data("deep".utf8).write(to: URL(fileURLWithPath: deep + "/x"))
        let script = "[ -e \(shop.path)/mended ] || exit 65; echo x > $OUTPUT/x"
        #expect(try await shop.daemon(script).run() == .drained(failures: 1))
        let id = try #require(try shop.store().records([.closed]).first?.id), kept = "state/done/\(id)/input"
        let error = try String(contentsOfFile: outbox + "/bad.failed/error.txt", encoding: .utf8)
        #expect(error.contains("The folder itself cannot be put here.") && error.contains("It is in \(shop.path)/\(kept)."), "\(error)")
        #expect(try Folder.names(outbox + "/bad.failed").sorted() == ["error.txt", "job.log"] && shop.read(kept + "/bad/a.jpg") == "photo of bad")
        shop.touch("mended")
        try shop.store(forReading: false).retry(1)
        #expect(try await shop.daemon(script).run() == .drained(failures: 0))
        #expect(try Folder.names(outbox) == ["bad"])
    }

    /// A copy is not begun that would leave running jobs no room.
    @Test(.enabled(if: device("/dev/shm") != nil && device("/dev/shm") != device(NSTemporaryDirectory())))
    func noRoomForACopy() async throws {
        let away = "/dev/shm/segmix-test-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: away) }
        let shop = try Workshop { $0.state = away }
        try shop.drop("toys")
        // Nothing on the disk, and yet a copy would write it.
        shop.touch("inbox/toys/sparse.bin")
        try #require(truncate(shop.path + "/inbox/toys/sparse.bin", 1 << 42) == 0)
        let daemon = try shop.daemon("echo x > $OUTPUT/x", drains: false, retryDelay: .milliseconds(50)), running = Task { try await daemon.run() }
        try await shop.until("a notice") { (try? shop.store().notices())?.contains { $0.text.contains("MiB free") && $0.text.contains("Make room") } == true }
        #expect(shop.names("inbox") == ["toys"] && shop.names("inbox/toys").contains("a.jpg"))
        try FileManager.default.removeItem(atPath: shop.path + "/inbox/toys/sparse.bin")
        try await shop.until("a result") { shop.exists("outbox/toys/x") }
        await daemon.stop()
        _ = try await running.value
    }

    private static func device(_ path: String) -> dev_t? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_dev : nil
    }

    @Test func aDamagedRecordIsLeftAlone() async throws {
        let shop = try Workshop()
        let (state, store, claim) = try recovery(shop)
        let id = try state.makeJob(at: Date())
        try "{".write(toFile: state.job(id) + "/origin.json", atomically: false, encoding: .utf8)
        try Recovery(claim: claim).run()
        #expect(try store.records([.open]) == [] && shop.names("state/jobs") == [id])
    }

    /// Killed with SIGKILL again and again, whenever it happens, the daemon loses no folder and publishes each once.
    @Test func killedAtAnyMomentNothingIsLost() async throws {
        let program = try #require(Self.program)
        let shop = try Workshop(settle: 0.05)
        let configuration = """
            inbox: inbox
            outbox: outbox
            state: state
            settle_seconds: 0.05
            rescan_seconds: 0.1
            min_free_space: 0
            max_attempts: 1000
            status_page: none
            """
        try configuration.write(toFile: shop.path + "/segmixd.yaml", atomically: true, encoding: .utf8)
        // The daemon looks for its worker beside itself.
        try FileManager.default.copyItem(atPath: program, toPath: shop.path + "/segmixd")
        try "#!/bin/sh\nwhile [ $# -gt 0 ]; do [ \"$1\" = --output ] && O=$2; [ \"$1\" = run ] && I=$2; shift; done\nsleep 0.02; cp \"$I/a.jpg\" $O/; sleep 0.02; case $I in */bad*) exit 65;; esac\n"
            .write(toFile: shop.path + "/segmix", atomically: true, encoding: .utf8)
        chmod(shop.path + "/segmix", 0o755)
        let names = (0..<12).map { $0 % 4 == 3 ? "bad\($0)" : "toys\($0)" }
        for name in names { try shop.drop(name) }
        var random = SystemRandomNumberGenerator()
        for _ in 0..<25 {
            let daemon = try Self.start(shop)
            try await Task.sleep(for: .milliseconds(Int.random(in: 60...400, using: &random)))
            kill(daemon.processIdentifier, SIGKILL)
            daemon.waitUntilExit()
            // Wherever it was stopped: what is visible in the outbox is whole.
            for result in shop.names("outbox") where !result.hasPrefix(".") {
                #expect(shop.exists("outbox/\(result)/job.log"))
                #expect(shop.exists("outbox/\(result)/a.jpg") || shop.exists("outbox/\(result)/error.txt"))
            }
        }
        let last = try Self.start(shop, arguments: ["--drain"])
        last.waitUntilExit()
        #expect(last.terminationStatus == 0 || last.terminationStatus == 1)
        #expect(shop.names("outbox") == names.map { $0.hasPrefix("bad") ? $0 + ".failed" : $0 }.sorted(), "\(names.filter { $0.hasPrefix("toys") }.compactMap { shop.read("outbox/\($0).failed/error.txt") })")
        for name in names {
            let photos = shop.photos(of: name).filter { $0.contains("input/") }
            #expect(photos.count == 1, "\(name): \(photos)")
        }
        #expect(shop.names("inbox") == [] && shop.names("state/jobs") == [])
    }

    /// A job that takes the machine with it is not started for ever.
    @Test func startedTooOftenWithoutAnEnd() async throws {
        let shop = try Workshop { $0.maxAttempts = 2; $0.onFailure = "true" }
        try shop.drop("toys")
        let daemon = try shop.daemon("sleep 60", drains: false)
        let running = Task { try await daemon.run() }
        try await shop.until("a start") { (try? shop.store().job(1))??.record.runs[0].state == .running }
        await daemon.stop()
        _ = try await running.value
        let store = try shop.store(forReading: false), id = try #require(try store.job(1)).record.id
        for (attempts, state) in [(5, JobState.queued), (6, .failed)] {
            try store.update(id) { $0.runs[0].state = .running }
            try store.update(id) { $0.runs[0].attempts = attempts }
            let (_, _, claim) = try recovery(shop)
            try Recovery(claim: claim).run()
            let run = try #require(try store.job(1)).record.runs[0]
            #expect(run.state == state)
            if state == .failed { #expect(run.error?.hasPrefix("It was started 6 times") == true && run.hook == .pending) }
        }
    }

    @Test func theProgramsExitStatus() async throws {
        _ = try #require(Self.program)
        let shop = try Workshop()
        func status(_ arguments: [String]) throws -> Int32 {
            let process = try Self.start(shop, arguments: arguments)
            process.waitUntilExit()
            return process.terminationStatus
        }
        try FileManager.default.copyItem(atPath: Self.program!, toPath: shop.path + "/segmixd")
        #expect(try status(["--dry"]) == 64)
        #expect(try status(["--drain"]) == 65)
        try "inbx: x".write(toFile: shop.path + "/segmixd.yaml", atomically: true, encoding: .utf8)
        #expect(try status(["--drain"]) == 65)
        try "inbox: inbox\noutbox: outbox\nstate: state\nsettle_seconds: 0.05\nmin_free_space: 0\nstatus_page: none".write(toFile: shop.path + "/segmixd.yaml", atomically: true, encoding: .utf8)
        #expect(try status(["--drain"]) == 69)
        try "#!/bin/sh\nexit 65\n".write(toFile: shop.path + "/segmix", atomically: true, encoding: .utf8)
        chmod(shop.path + "/segmix", 0o755)
        #expect(try status(["--drain"]) == 0)
        try shop.drop("toys")
        #expect(try status(["--drain"]) == 1)
        // SIGTERM is a graceful end.
        let daemon = try Self.start(shop)
        try await Task.sleep(for: .milliseconds(500))
        #expect(daemon.isRunning)
        kill(daemon.processIdentifier, SIGTERM)
        daemon.waitUntilExit()
        #expect(daemon.terminationReason == .exit && daemon.terminationStatus == 0)
    }

    /// The built `segmixd`, in the folder of the test bundle.
    private static var program: String? {
        let candidates = [CommandLine.arguments[0], Bundle.main.executablePath ?? ""].map { URL(fileURLWithPath: $0).deletingLastPathComponent() }
        let more = Bundle.allBundles.map { $0.bundleURL.deletingLastPathComponent() }
        return (candidates + more).map { $0.appending(path: "segmixd").path }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    private static func start(_ shop: Workshop, arguments: [String] = []) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: shop.path + "/segmixd")
        process.arguments = ["--config", shop.path + "/segmixd.yaml"] + arguments
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        return process
    }
}
