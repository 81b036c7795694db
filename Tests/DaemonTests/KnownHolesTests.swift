import Files
import Foundation
import Jobs
import JobStore
import Testing

@testable import Daemon

/// Faults that programs of the kind have had; `Tests/README.md` says whose they are, and where the others are tested.
@Suite struct KnownHolesTests {
    /// A row says "running" and nothing runs: its process has gone, or its number is another process's by now.
    @Test(arguments: [nil, WorkerIdentity(pid: 4_194_303, started: 1), WorkerIdentity(pid: 1, started: 1), WorkerIdentity(pid: getpid(), started: 12)] as [WorkerIdentity?])
    func aStaleRunningRowBlocksNothing(_ worker: WorkerIdentity?) async throws {
        let shop = try Workshop()
        let state = StateDirectory(shop.configuration.state)
        try state.prepare()
        let id = try state.makeJob(at: Date()), record = JobRecord(id: id, name: "stale", source: shop.path + "/inbox/stale", claimed: Date())
        try shop.drop("stale")
        try Directory.create(state.job(id) + "/input")
        try FolderMove.move(record.source, to: state.input(record))
        do {
            let store = try JobStore.openForDaemon(state).0
            var stale = record
            stale.runs = [.init(specificationFile: "job.yaml", name: "job")]
            try store.add(stale)
            try store.update(id) { $0.runs[0].state = .running; $0.runs[0].attempts = 1; $0.runs[0].worker = worker }
        }
        try shop.drop("next")
        #expect(try await shop.daemon("echo x > $OUTPUT/x").run() == .drained(failures: 0))
        #expect(shop.names("outbox") == ["next", "stale"])
        #expect(try shop.store().counts()[.running] == 0 && shop.store().counts()[.done] == 2)
    }

    /// A share hangs for good: nobody who asks for something of it waits longer than that, or behind another who does.
    @Test func whatHangsIsNotWaitedFor() async throws {
        let executor = FileExecutor("hangs"), gate = DispatchSemaphore(value: 0), told = DispatchSemaphore(value: 0)
        #expect(try await executor.run(within: 60) { 1 } == 1)
        await #expect(throws: CancellationError.self) { try await executor.run(within: 60) { throw CancellationError() } }
        let hangs = Task { try await executor.run(within: 0) { told.signal(); gate.wait(); return 2 } }
        #expect(try await hangs.value == nil)
        await withCheckedContinuation { done in DispatchQueue.global().async { told.wait(); done.resume() } }
        #expect(try await executor.run(within: 0) { 3 } == nil)
        gate.signal()
        #expect(try await executor.run { 4 } == 4)
        #expect(try await executor.run(within: 60) { 5 } == 5)
        #expect(FileExecutor.answer(within: 60) { 6 } == 6 && FileExecutor.answer(within: 0) { gate.wait(); return 7 } == nil)
        gate.signal()
    }

    /// Each time the queue has run empty; another program's `retry` wakes it as well.
    @Test func aDrainedQueueStartsAgain() async throws {
        let shop = try Workshop()
        let daemon = try shop.daemon("case $INPUT in */bad) exit 65;; esac; echo x > $OUTPUT/x", drains: false)
        let running = Task { try await daemon.run() }
        for name in ["one", "bad", "two", "three"] {
            try shop.drop(name)
            try await shop.until("the end of \(name)") { shop.exists("outbox/" + (name == "bad" ? "bad.failed" : name)) }
            try await shop.until("an empty queue") { (try? shop.store().isEmpty()) == true }
            try await Task.sleep(for: .milliseconds(300))
        }
        let store = try shop.store(forReading: false), bad = try store.find("bad").number
        try store.retry(bad)
        try await shop.until("the second attempt's end") { (try? shop.store().attempts(bad).filter { $0.ended != nil }.count) == 2 }
        await daemon.stop()
        #expect(try await running.value == .stopped)
    }

    /// What somebody does to the names in the inbox while the job runs is another job's business.
    @Test func editingTheInboxTouchesNoRunningJob() async throws {
        let shop = try Workshop()
        let daemon = try shop.daemon("cp \"$INPUT/a.jpg\" $OUTPUT/before; while [ ! -e \(shop.path)/go ]; do sleep 0.02; done; cp \"$INPUT/a.jpg\" $OUTPUT/after", drains: false)
        let running = Task { try await daemon.run() }
        try shop.drop("toys")
        try await shop.until("the worker") { (try? shop.store().counts()[.running]) == 1 }
        try shop.drop("toys", specification: "max_train_steps: 7")
        try "another photo".write(toFile: shop.path + "/inbox/toys/a.jpg", atomically: true, encoding: .utf8)
        try await shop.until("the second folder") { (try? shop.store().counts()[.queued]) == 1 }
        shop.touch("go")
        try await shop.until("both") { shop.exists("outbox/toys-2") && shop.exists("outbox/toys") }
        await daemon.stop()
        #expect(try await running.value == .stopped)
        #expect(shop.read("outbox/toys/before") == "photo of toys" && shop.read("outbox/toys/after") == "photo of toys")
        #expect(shop.read("outbox/toys-2/after") == "another photo")
    }

    private static let canMount = geteuid() == 0 && access("/dev/fuse", R_OK | W_OK) == 0 && access("/usr/bin/bindfs", X_OK) == 0

    /// bindfs stands in for a share: what is done on its other side raises no event.
    private func withShare(_ shop: Workshop, at place: String, _ body: (_ real: String) async throws -> Void) async throws {
        let real = shop.path + "/real", mounted = shop.path + "/" + place
        try Directory.create(real)
        try Directory.create(mounted)
        let mount = Process()
        mount.executableURL = URL(fileURLWithPath: "/usr/bin/bindfs")
        mount.arguments = ["-f", "--no-allow-other", real, mounted]
        try mount.run()
        defer {
            (try? Process.run(URL(fileURLWithPath: "/bin/umount"), arguments: ["-l", mounted]))?.waitUntilExit()
            mount.waitUntilExit()
        }
        try await shop.until("the mount") { FileSystemKind(of: mounted) == .network }
        try await body(real)
    }

    private func write(_ folder: String) throws {
        try Directory.create(folder)
        for (name, text) in [("metadata.jsonl", "{}"), ("job.yaml", ""), ("a.jpg", "photo")] { try text.write(toFile: folder + "/" + name, atomically: false, encoding: .utf8) }
    }

    @Test(.enabled(if: canMount, "bindfs and root are needed"), .timeLimit(.minutes(1))) func aShareLosesNoFolder() async throws {
        let shop = try Workshop()
        try await withShare(shop, at: "inbox") { real in
            let daemon = try shop.daemon("echo x > $OUTPUT/x", drains: false)
            let running = Task { try await daemon.run() }
            for i in 0..<20 {
                try write(real + "/.drop")
                try #require(rename(real + "/.drop", real + "/toys\(i)") == 0)
                if i % 5 == 0 { try await Task.sleep(for: .milliseconds(300)) }
            }
            let wait = ContinuousClock.now + .seconds(40)
            func results() -> [String] { shop.names("outbox").filter { !$0.hasPrefix(".") } }
            while results().count < 20, ContinuousClock.now < wait { try await Task.sleep(for: .milliseconds(50)) }
            #expect(results() == (0..<20).map { "toys\($0)" }.sorted())
            await daemon.stop()
            #expect(try await running.value == .stopped)
        }
    }

    /// Mounted below a local inbox it is seen as well; what cannot be taken is said.
    @Test(.enabled(if: canMount, "bindfs and root are needed"), .timeLimit(.minutes(1))) func aShareBelowALocalInboxIsSeen() async throws {
        let shop = try Workshop()
        try await withShare(shop, at: "inbox/share") { real in
            let daemon = try shop.daemon("echo x > $OUTPUT/x", drains: false)
            let running = Task { try await daemon.run() }
            try await Task.sleep(for: .milliseconds(500))
            try write(real)
            try await shop.until("the note") { (try? shop.store().notices().contains { $0.text.contains("it is a mount point") }) == true }
            await daemon.stop()
            #expect(try await running.value == .stopped)
        }
    }
}
