import Files
import Foundation
import Jobs
import JobStore
import TestFolders
import Testing

@testable import Daemon

/// What the queue does beyond running one job after the other: requests from other programs, several workers, pauses, hooks.
@Suite(.serialized) struct SchedulingTests {
    /// A worker that takes SIGTERM seriously and ends at once when it is started again.
    private static let patient = """
        trap 'echo stopped >> $OUTPUT/log; exit 75' TERM
        echo started >> $OUTPUT/log
        if [ $(grep -c started $OUTPUT/log) -ge 2 ]; then exit 0; fi
        while :; do sleep 0.02; done

        """

    private func state(_ shop: Workshop, _ number: Int64 = 1) -> JobState? { try? shop.store().summary(number)?.state }

    @Test func aRunningJobIsCancelledFromOutsideAndTakenUpAgain() async throws {
        let shop = try Workshop()
        try shop.drop("toys")
        try await shop.withDaemon(Self.patient) {
            try await shop.until("the worker") { state(shop) == .running && shop.names("state/jobs").contains { shop.exists("state/jobs/\($0)/output/job/log") } }
            #expect(try shop.store(forReading: false).cancel(1, daemonRuns: true) == .running)
            try await shop.until("the end") { shop.exists("outbox/toys.cancelled/input/a.jpg") }
            try await shop.until("the note") { (try? shop.store().records([.closed]).count) == 1 }
            #expect(shop.read("outbox/toys.cancelled/log") == "started\nstopped\n" && state(shop) == .cancelled)
            #expect(shop.read("outbox/toys.cancelled/error.txt")?.hasPrefix("It was cancelled on request.") == true)
            #expect(try shop.store(forReading: false).retry(1) == .queued)
            try await shop.until("a result") { shop.exists("outbox/toys/log") && state(shop) == .done }
        }
        // It went on where it was, and of its first end nothing is left.
        #expect(shop.read("outbox/toys/log") == "started\nstopped\nstarted\n")
        #expect(shop.names("outbox") == ["toys"] && shop.names("outbox/toys") == ["job.log", "log"])
        #expect(shop.photos(of: "toys").count == 1)
        let events = try shop.store().events(1).map(\.text)
        #expect(events == ["taken from the inbox", "started", "cancelled: on request", "retried: on request", "started", "finished", "published: toys"])
    }

    @Test func withoutADaemonRequestsHoldToo() async throws {
        let shop = try Workshop { $0.minFreeSpace = .max }
        try shop.drop("toys")
        try shop.drop("others")
        _ = try await shop.daemon("echo x > $OUTPUT/x").run()
        let store = try shop.store(forReading: false)
        #expect(!StateLock.isHeld(StateDirectory(shop.configuration.state)))
        let toys = try store.find("toys").number, others = try store.find("others").number
        #expect(try store.cancel(toys, daemonRuns: false) == .cancelled)
        try store.setPriority(others, 5)
        #expect(throws: StoreError(.notPossible, "Job \(toys) is cancelled already.")) { try store.cancel(toys, daemonRuns: false) }
        #expect(throws: StoreError(.noSuchJob, "There is no job 99. `segmix status` lists them.")) { try store.retry(99) }
        #expect(try store.notices().contains { $0.subject == "queue" && $0.text.contains("min_free_space") })
        let free = try Workshop()
        var configuration = shop.configuration
        configuration.minFreeSpace = 0
        let daemon = try SegmixDaemon(configuration: configuration, worker: try free.worker("echo x > $OUTPUT/x"), drains: true, signals: [], logger: Workshop.logger)
        // What was cancelled on request has not failed.
        #expect(try await daemon.run() == .drained(failures: 0))
        #expect(shop.names("outbox") == ["others", "toys.cancelled"])
    }

    @Test func severalWorkersRunSideBySide() async throws {
        let shop = try Workshop { $0.workers = 3; $0.cores = 6; $0.memoryPerJob = 10 << 20; $0.memory = 25 << 20 }
        for i in 0..<4 { try shop.drop("toys\(i)") }
        // Two fit into the memory, though there are three workers.
        let outcome = try await shop.daemon(
            "echo $SEGMIX_THREADS > $OUTPUT/threads; mkdir \(shop.path)/on.$$; ls -d \(shop.path)/on.* | wc -l >> \(shop.path)/count; sleep 0.3; rmdir \(shop.path)/on.$$").run()
        #expect(outcome == .drained(failures: 0))
        let counts = (shop.read("count") ?? "").split(separator: "\n").compactMap { Int($0.trimmingCharacters(in: .whitespaces)) }
        #expect(counts.count == 4 && counts.max() == 2)
        #expect(shop.read("outbox/toys0/threads") == "2\n")
    }

    /// `segmix check` may take minutes; meanwhile the running job hears what is asked of it, and so does the daemon.
    @Test func anEstimateHoldsUpNothing() async throws {
        let shop = try Workshop { $0.workers = 2; $0.memory = 1 << 30 }
        let script = "case $ALL in check*) case $ALL in *slow*) touch \(shop.path)/slow; exec sleep 30;; esac; echo '{\"memory_bytes\": 1000}'; exit;; esac\n"
        try shop.drop("first", specification: "priority: 3")
        try shop.drop("slow", specification: "priority: 2")
        try shop.drop("third", specification: "priority: 1")
        let begun = ContinuousClock.now
        try await shop.withDaemon(script + Self.patient) {
            try await shop.until("the estimate") { shop.exists("slow") && (try? shop.store().find("first").state) == .running }
            let store = try shop.store(forReading: false)
            // The queue keeps its order.
            #expect(try store.find("third").state == .queued)
            #expect(try store.cancel(store.find("first").number, daemonRuns: true) == .running)
            try await shop.until("the running job's end") { (try? shop.store().find("first").state) == .cancelled }
            #expect(try store.find("third").state == .queued)
            // An estimate that nobody needs any more is broken off.
            _ = try store.cancel(store.find("slow").number, daemonRuns: true)
            try await shop.until("the third job") { (try? shop.store().find("third").state) == .running }
            try store.retry(store.find("slow").number)
            try FileManager.default.removeItem(atPath: shop.path + "/slow")
            try await shop.until("the next estimate") { shop.exists("slow") }
        }
        #expect(ContinuousClock.now - begun < .seconds(25))
        let slow = try shop.store().find("slow")
        #expect(slow.state == .queued)
        #expect(try shop.store().job(slow.number)?.record.runs[0].memory == nil)
    }

    /// Several specifications whose results have waited for the outbox have one place all the same.
    @Test func resultsThatHaveWaitedStayTogether() async throws {
        let shop = try Workshop { $0.workers = 3; $0.memoryPerJob = 1 << 20 }
        try shop.drop("toys", specifications: ["a.yaml", "b.yaml", "c.yaml"])
        let script = "echo $SPEC > $OUTPUT/x; [ ! -e \(shop.path)/outbox ] || mv \(shop.path)/outbox \(shop.path)/away || true"
        #expect(try await shop.daemon(script).run() == .obstructed)
        #expect(try shop.store().counts()[.publishing] == 3)
        try FileManager.default.moveItem(atPath: shop.path + "/away", toPath: shop.path + "/outbox")
        #expect(try await shop.daemon("exit 70").run() == .drained(failures: 0))
        #expect(shop.names("outbox") == ["toys"] && shop.names("outbox/toys") == ["a", "b", "c"])
        for number in 1...3 as ClosedRange<Int64> {
            let result = try #require(try shop.store().summary(number)?.result)
            #expect(shop.exists("outbox/" + result + "/x"))
        }
    }

    /// Nobody waits for a drain by night that waits for a disk.
    @Test func aDrainLeavesWhatTheOutboxDoesNotTake() async throws {
        let shop = try Workshop()
        try shop.drop("toys")
        let outcome = try await shop.daemon("mv \(shop.path)/outbox \(shop.path)/away; echo x > $OUTPUT/x").run()
        #expect(outcome == .obstructed && outcome.exitCode(drains: true) == 74)
        #expect(state(shop) == .publishing && !shop.exists("outbox"))
        try FileManager.default.moveItem(atPath: shop.path + "/away", toPath: shop.path + "/outbox")
        #expect(try await shop.daemon("exit 70").run() == .drained(failures: 0))
        #expect(shop.read("outbox/toys/x") == "x\n")
    }

    /// Ends, results and hooks need no worker: nothing of them waits until another job is over.
    @Test func whatHasEndedWaitsForNoOtherJob() async throws {
        let shop = try Workshop { $0.onFinish = "echo told >> \($0.outbox)/../told; true" }
        for name in ["a", "b", "c"] { try shop.drop(name) }
        let script = "case $INPUT in */a) ;; *) while [ ! -e \(shop.path)/go ]; do sleep 0.02; done;; esac; echo x > $OUTPUT/x"
        try await shop.withDaemon(script) {
            func has(_ name: String, _ state: JobState) -> Bool { (try? shop.store().find(name).state) == state }
            try await shop.until("the second") { has("b", .running) }
            try await shop.until("the first's end") { shop.exists("told") && (try? shop.store().records([.closed]).map(\.name)) == ["a"] }
            _ = try shop.store(forReading: false).cancel(shop.store().find("c").number, daemonRuns: true)
            try await shop.until("the third's end") { shop.exists("outbox/c.cancelled/input/a.jpg") }
            #expect(has("b", .running))
            shop.touch("go")
        }
    }

    /// Where all jobs of a folder fail, what is wrong stands once, above them.
    @Test func aHookIsToldOfTheErrorOfSeveral() async throws {
        let shop = try Workshop { $0.onFailure = "f() { echo \"$1\" >> \($0.outbox)/../told; }; f" }
        try shop.drop("toys", specifications: ["a.yaml", "b.yaml"])
        #expect(try await shop.daemon("exit 65").run() == .drained(failures: 1))
        #expect(shop.read("told") == String(repeating: shop.path + "/outbox/toys.failed/error.txt\n", count: 2))
    }

    /// A folder that is no job fails before any worker has seen it: that is told as well.
    @Test func ofAFolderThatIsNoJobSomebodyIsTold() async throws {
        let shop = try Workshop { $0.onFailure = "echo \"$SEGMIX_NAME\" >> \($0.outbox)/../told; true" }
        try shop.drop("pictures", specifications: [], metadata: false)
        #expect(try await shop.daemon("exit 70").run() == .drained(failures: 1))
        #expect(shop.read("told") == "pictures\n" && shop.exists("outbox/pictures.failed/error.txt"))
    }

    /// Of a job that is tried again only the last attempt explains its end, and what it needs is asked anew.
    @Test func whatWasMendedIsNotSaidAgain() async throws {
        let shop = try Workshop()
        try shop.drop("toys")
        let script = "if [ -e \(shop.path)/mended ]; then echo 'job.yaml:2: second'; else echo 'job.yaml:1: first'; fi; exit 65"
        #expect(try await shop.daemon(script).run() == .drained(failures: 1))
        #expect(shop.read("outbox/toys.failed/error.txt")?.contains("job.yaml:1: first") == true)
        shop.touch("mended")
        let store = try shop.store(forReading: false)
        try store.update(store.find("toys").folder) { $0.runs[0].memory = 0 }
        try store.retry(1)
        #expect(try store.records([.reopening])[0].runs[0].memory == nil)
        #expect(try await shop.daemon(script).run() == .drained(failures: 1))
        let text = try #require(shop.read("outbox/toys.failed/error.txt"))
        #expect(text.contains("job.yaml:2: second") && !text.contains("first"), "\(text)")
        #expect(shop.read("outbox/toys.failed/job.log")?.contains("job.yaml:1: first") == true)
    }

    /// A worker knows what the queue counts on, and what it would be ended for.
    @Test(arguments: [(1, nil, ""), (1, 40, "41943040"), (2, 40, "41943040")] as [(Int, Int?, String)])
    func workersAreToldTheirMemory(_ workers: Int, _ each: Int?, _ limit: String) async throws {
        let shop = try Workshop {
            $0.workers = workers
            $0.memoryPerJob = each.map { $0 << 20 }
        }
        try shop.drop("toys")
        #expect(try await shop.daemon("echo \"$SEGMIX_MEMORY_SHARE\" > $OUTPUT/x").run() == .drained(failures: 0))
        #expect(shop.read("outbox/toys/x") == limit + "\n")
    }

    /// What was said of a start that failed is taken back where nobody wants it any more.
    @Test func aJobThatCannotStartAndIsCancelled() async throws {
        let shop = try Workshop()
        try shop.drop("toys")
        let lost = WorkerCommand(executable: shop.path + "/nowhere")
        let daemon = try SegmixDaemon(
            configuration: shop.configuration, worker: lost, signals: [], retryDelay: { _ in .seconds(60) }, logger: Workshop.logger)
        let running = Task { try await daemon.run() }
        try await shop.until("the notice") { (try? shop.store().notices().contains { $0.text.contains("waits and is tried again") }) == true }
        #expect(try shop.store(forReading: false).cancel(1, daemonRuns: true) == .cancelled)
        try await shop.until("nothing to say") { (try? shop.store().notices().isEmpty) == true && shop.exists("outbox/toys.cancelled") }
        await daemon.stop()
        _ = try await running.value
    }

    /// A timer that is over before the wait has begun, too.
    @Test func everyWaitEnds() async {
        let signal = WakeSignal()
        for _ in 0..<3000 { await signal.wait(upTo: .zero) }
        signal.raise()
        await signal.wait(upTo: .seconds(60))
    }

    @Test func roomForJobs() {
        var configuration = Configuration()
        configuration.workers = 2
        let resources = Resources(configuration, machineCores: 7, machineMemory: 1000)
        #expect(resources.coresPerJob == 3 && resources.memory == 900)
        #expect(resources.fits(5000, beside: []) && resources.fits(400, beside: [500]) && !resources.fits(401, beside: [500]) && !resources.fits(1, beside: [1, 1]))
    }

    @Test func whatSaysNothingIsEndedAndTriedAgain() async throws {
        let shop = try Workshop { $0.stallSeconds = 1; $0.maxAttempts = 2 }
        try shop.drop("toys")
        // Suspended, as by SIGSTOP: it hears nothing.
        let outcome = try await shop.daemon("echo x >> $OUTPUT/x; [ $(wc -l < $OUTPUT/x) -ge 2 ] || kill -STOP $$").run()
        #expect(outcome == .drained(failures: 0))
        #expect(shop.read("outbox/toys/x") == "x\nx\n")
        #expect(try shop.store().events(1).contains { $0.text.hasPrefix("put back: no sign of life for 1 s") })
    }

    /// When the hours end, or the disk is nearly full, a running job stops, and goes on another time with as many attempts as before.
    @Test(arguments: [true, false]) func aRunningJobGoesOnAnotherTime(_ isForHours: Bool) async throws {
        let shop = try Workshop { $0.maxAttempts = 1 }
        try shop.drop("toys")
        let daemon = try shop.daemon("case $INPUT in */other) exit 65;; esac; echo x >> $OUTPUT/x; [ $(wc -l < $OUTPUT/x) -ge 2 ] && exit 0; trap 'exit 75' TERM; while :; do sleep 0.05; done", drains: false)
        let running = Task { try await daemon.run() }
        func run() -> JobRecord.Run? { (try? shop.store().job(1))??.record.runs[0] }
        try await shop.until("a start") { run()?.state == .running && shop.exists("state/jobs") && run()?.worker != nil }
        try await Task.sleep(for: .milliseconds(300))
        var closed = shop.configuration
        if isForHours {
            var seconds = time(nil) + 12 * 3600, later = tm()
            localtime_r(&seconds, &later)
            closed.hours = RunningHours(String(format: "%02d:%02d-%02d:%02d", later.tm_hour, later.tm_min, (later.tm_hour + 1) % 24, later.tm_min))
        } else {
            closed.minFreeSpace = .max
        }
        _ = daemon.live.replace(with: closed)
        try await shop.until("a stop") { run()?.state == .queued }
        #expect(run()?.attempts == 0)
        try await Task.sleep(for: .milliseconds(700))
        #expect(run()?.state == .queued && !shop.exists("outbox/toys"))
        _ = daemon.live.replace(with: shop.configuration)
        // Something new is looked at at once.
        try shop.drop("other")
        try await shop.until("a result") { shop.exists("outbox/toys/x") }
        #expect(shop.read("outbox/toys/x") == "x\nx\n")
        await daemon.stop()
        _ = try await running.value
    }

    @Test func tooMuchMemoryEndsAWorker() async throws {
        let shop = try Workshop { $0.memoryPerJob = 4 << 20; $0.maxAttempts = 1 }
        try shop.drop("toys")
        let outcome = try await shop.daemon("x=$(head -c 30000000 /dev/zero | tr '\\0' a); sleep 20; echo $x > $OUTPUT/x").run()
        #expect(outcome == .drained(failures: 1))
        #expect(shop.read("outbox/toys.failed/error.txt")?.contains("more than `memory_per_job` of the configuration allows") == true)
    }

    @Test func aHookIsToldOfEveryEnd() async throws {
        let shop = try Workshop {
            let folder = $0.outbox + "/../told"
            $0.onFinish = "echo finish \"$SEGMIX_NAME\" \"$SEGMIX_STATE\" >> \(folder); cp -t \(folder).d"
            $0.onFailure = "echo failure \"$SEGMIX_JOB\" >> \(folder); cat >> \(folder)"
        }
        try Directory.create(shop.path + "/told.d")
        try shop.drop("good")
        try shop.drop("bad")
        #expect(try await shop.daemon("case $INPUT in */bad) exit 65;; esac; echo report > $OUTPUT/report.json").run() == .drained(failures: 1))
        let lines = (shop.read("told") ?? "").split(separator: "\n").map(String.init).sorted()
        let bad = try shop.store().find("bad").number
        #expect(lines.contains("finish good done") && lines.contains("failure \(bad)"))
        #expect(shop.read("told.d/report.json") == "report\n")
        #expect(try shop.store().job(bad)?.record.runs[0].hook == .done)
    }

    @Test func aHookThatFailsStopsNothing() async throws {
        let shop = try Workshop { $0.onFinish = "echo x >> \($0.outbox)/../tries; false" }
        try shop.drop("toys")
        try await shop.withDaemon("echo x > $OUTPUT/x") {
            try await shop.until("five tries") { (try? shop.store().job(1)?.record.runs[0].hook) == .failed }
        }
        #expect(shop.read("tries") == "x\nx\nx\nx\nx\n")
    }

    @Test func aJobWaitsForItsTime() async throws {
        let shop = try Workshop()
        try shop.drop("later", specification: "not_before: 2099-01-01")
        try shop.drop("now")
        #expect(try await shop.daemon("echo x > $OUTPUT/x").run() == .stopped)
        #expect(shop.names("outbox") == ["now"])
        #expect(try shop.store().find("later").notBefore == StartTime.date("2099-01-01"))
        // It hides no failure.
        try shop.drop("bad")
        #expect(try await shop.daemon("exit 65").run() == .drained(failures: 1))
    }

    /// An outbox on a share that is gone is not made anew in its place; the finished job waits.
    @Test func aVanishedOutboxIsWaitedFor() async throws {
        let shop = try Workshop()
        try shop.drop("toys")
        try await shop.withDaemon("mv \(shop.path)/outbox \(shop.path)/away; echo x > $OUTPUT/x") {
            try await shop.until("the worker's end") { state(shop) == .publishing }
            try await shop.until("a notice") { (try? shop.store().notices())?.contains { $0.text.hasPrefix("toys waits and is tried again: ") } == true }
            #expect(!shop.exists("outbox"))
            try FileManager.default.moveItem(atPath: shop.path + "/away", toPath: shop.path + "/outbox")
            try await shop.until("a result") { shop.exists("outbox/toys/x") }
            try await shop.until("no notice") { (try? shop.store().notices()) == [] }
        }
    }

    /// A share with models goes away and comes back; one that never was there is a fault.
    @Test func aModelThatIsAwayIsWaitedFor() async throws {
        let shop = try Workshop { $0.maxAttempts = 1 }
        var configuration = shop.configuration
        configuration.models = ["m": .init(base: shop.path + "/model")]
        try Directory.create(shop.path + "/model")
        // The share goes while the second job's worker begins.
        let script = "case $INPUT in */second) if [ ! -e \(shop.path)/moved ]; then mv \(shop.path)/model \(shop.path)/away; exit 69; fi;; esac; echo x > $OUTPUT/x"
        let daemon = try SegmixDaemon(
            configuration: configuration, worker: shop.worker(script), signals: [], retryDelay: { _ in .milliseconds(50) }, logger: Workshop.logger)
        let running = Task { try await daemon.run() }
        try shop.drop("first")
        try await shop.until("a result") { shop.exists("outbox/first/x") }
        try shop.drop("second")
        try await shop.until("a notice") { (try? shop.store().notices())?.contains { $0.text.contains("the model was there and is not any more") } == true }
        #expect(!shop.exists("outbox/second.failed"))
        let run = try #require(try shop.store().job(2)).record.runs[0]
        #expect(run.state == .queued && run.attempts == 0)
        shop.touch("moved")
        try FileManager.default.moveItem(atPath: shop.path + "/away", toPath: shop.path + "/model")
        try await shop.until("an end") { shop.exists("outbox/second/x") }
        await daemon.stop()
        _ = try await running.value
    }

    /// The daemon starts before the share with the inbox is mounted, and the share goes and comes back.
    @Test func anInboxThatComesLaterIsWatched() async throws {
        let shop = try Workshop()
        try FileManager.default.removeItem(atPath: shop.path + "/inbox")
        // Nothing can be made in its place, as on a mount point of another user.
        try Data().write(to: URL(fileURLWithPath: shop.path + "/inbox"))
        try await shop.withDaemon("echo x > $OUTPUT/x") {
            try await shop.until("the note") { (try? shop.store().notices().contains { $0.subject == "inbox/" }) == true }
            try FileManager.default.removeItem(atPath: shop.path + "/inbox")
            try Directory.create(shop.path + "/inbox")
            try shop.drop("toys")
            try await shop.until("a result") { shop.exists("outbox/toys") }
            try await shop.until("no note") { (try? shop.store().notices()) == [] }
            try FileManager.default.moveItem(atPath: shop.path + "/inbox", toPath: shop.path + "/gone")
            try await Task.sleep(for: .milliseconds(700))
            try Directory.create(shop.path + "/inbox")
            try shop.drop("again")
            try await shop.until("another result") { shop.exists("outbox/again") }
        }
    }

    /// Two daemons with state directories of their own: each folder is taken by one.
    @Test func twoDaemonsOnOneInbox() async throws {
        let shop = try Workshop(), other = try Workshop()
        var configuration = shop.configuration
        configuration.state = other.configuration.state
        let script = "basename \"$INPUT\" >> \(shop.path)/ran; echo x > $OUTPUT/x"
        for i in 0..<30 { try shop.drop("toys\(i)") }
        let second = try SegmixDaemon(configuration: configuration, worker: try shop.worker(script), drains: true, signals: [], logger: Workshop.logger)
        async let a = shop.daemon(script).run()
        async let b = second.run()
        #expect(try await [a, b] == [.drained(failures: 0), .drained(failures: 0)])
        #expect((shop.read("ran") ?? "").split(separator: "\n").sorted() == (0..<30).map { "toys\($0)" }.sorted())
        #expect(shop.names("outbox").count == 30)
    }

    @Test func theLogIsKeptShort() throws {
        let folder = try TemporaryFolder(), path = folder.path + "/logs/job.log", log = try WorkerLog(path)
        for i in 0..<100 { log.write("line \(i)") }
        log.rotate(longest: 10_000)
        #expect(!Folder.exists(path + ".1"))
        log.rotate(longest: 100)
        log.write("after")
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "after\n")
        #expect(try String(contentsOfFile: path + ".1", encoding: .utf8).hasPrefix("line 0\n"))
    }

    /// Pictures on the way say nothing of a step's length; a first step has the length that was foreseen.
    @Test func theLengthOfAStepStaysKnown() throws {
        let folder = try TemporaryFolder(), log = try WorkerLog(folder.path + "/job.log")
        #expect(log.secondsPerStep == 0)
        log.take(ProgressLine(phase: .train, step: 0, total: 10, secondsPerStep: 90).encoded)
        log.take(ProgressLine(phase: .render, step: 1, total: 10, message: "step-000100 1 of 2").encoded)
        #expect(log.secondsPerStep == 90 && log.latest?.phase == .render)
        log.take(ProgressLine(phase: .train, step: 1, total: 10, secondsPerStep: 80).encoded)
        #expect(log.secondsPerStep == 80)
    }

    /// Killed for want of memory, a worker plans with less: the same choice would come to the same end. What was asked to end does not.
    @Test func lessMemoryAfterALackOfIt() async throws {
        func share(_ granted: Int, _ kills: Int) -> Int? { JobExecution.share(granted, kills: kills, free: 800) }
        #expect(share(0, 0) == nil && share(1000, 0) == 1000 && share(0, 1) == 560 && share(1000, 1) == 700 && share(1000, 2) == 489)

        let shop = try Workshop { $0.memory = 1_000_000_000; $0.maxAttempts = 4 }
        try shop.drop("toys")
        let outcome = try await shop.daemon(
            "echo $SEGMIX_MEMORY_SHARE >> $OUTPUT/x; case $(wc -l < $OUTPUT/x) in 1) exit 74;; 2|3) kill -KILL $$;; esac").run()
        #expect(outcome == .drained(failures: 0) && shop.read("outbox/toys/x") == "1000000000\n1000000000\n700000000\n489999999\n", "\(shop.read("outbox/toys/x") ?? "")")
    }

    /// A worker that was ended for `memory_per_job` plans with less as well.
    @Test func lessMemoryAfterTooMuchOfIt() async throws {
        let shop = try Workshop { $0.memoryPerJob = 4 << 20; $0.maxAttempts = 2 }
        try shop.drop("toys")
        let outcome = try await shop.daemon(
            "echo $SEGMIX_MEMORY_SHARE >> $OUTPUT/x; [ $(wc -l < $OUTPUT/x) -ge 2 ] && exit 0; x=$(head -c 30000000 /dev/zero | tr '\\0' a); sleep 20; echo $x > $OUTPUT/y").run()
        #expect(outcome == .drained(failures: 0) && shop.read("outbox/toys/x") == "4194304\n2936012\n", "\(shop.read("outbox/toys/x") ?? "")")
    }

    /// What lies in its place may be anything that came back from the outbox.
    @Test func aLogIsAnOrdinaryFile() throws {
        let folder = try TemporaryFolder(), link = folder.path + "/link.log", pipe = folder.path + "/pipe.log"
        try folder.write("secret", to: "other")
        try #require(symlink(folder.path + "/other", link) == 0 && mkfifo(pipe, 0o600) == 0)
        for hasReader in [false, true] {
            let reader = hasReader ? open(pipe, O_RDONLY | O_NONBLOCK) : -1
            defer { if reader >= 0 { close(reader) } }
            for path in [link, pipe] {
                #expect(throws: FileError("write", path, reason: "it is no ordinary file", remedy: "Remove it")) { _ = try WorkerLog(path) }
            }
        }
    }

    /// What a worker said last is what went wrong, not how far it was.
    @Test func lastWordsAreNoProgress() throws {
        let folder = try TemporaryFolder(), log = try WorkerLog(folder.path + "/job.log")
        let line = ProgressLine(phase: .prepare, step: 3, total: 50, message: "corgi 1 of 2")
        let steps = [line, ProgressLine(phase: .train, step: 20, total: 2010, loss: 0.1, secondsPerStep: 3.2, remaining: 60)].map(\.sentence)
        let words = ["prepare: masks are made", "train on", "prepare 3 of 50", "note: train 1/2", "a/b", "prior images: none shows exactly one"]
        for text in words + Array(repeating: steps, count: 40).joined() { log.write(text) }
        #expect(WorkerLog.lastWords(of: folder.path + "/job.log", lines: 20) == words.joined(separator: "\n"))
    }

    @Test func mountsThatAreNotThereYet() throws {
        // The kernel gives such a file a page at a time.
        #expect(ForeseenMount.lines("/proc/self/maps").joined().reduce(0) { $0 + $1.utf8.count } > 4096)
        let folder = try TemporaryFolder()
        try folder.write("""
            # /mnt/remark none
            UUID=1 / ext4 defaults 0 1
            none none swap sw 0 0
            //nas/studio /mnt/studio cifs credentials=/root/x,_netdev 0 0
            nas:/out\t/mnt/My\\040Out/ nfs defaults
            /dev/sdb1 /mnt/studio/deep ext4 defaults

            """, to: "fstab")
        func missing(_ path: String, _ mounts: String...) throws -> String? {
            try folder.write("21 1 254:0 / / rw - ext4 /dev/vda rw\n" + mounts.map { "30 21 0:44 / \($0) rw shared:1 - cifs x rw\n" }.joined(), to: "mountinfo")
            return ForeseenMount.missing(for: path, fstab: folder.path + "/fstab", mounted: folder.path + "/mountinfo")
        }
        #expect(try missing("/mnt/studio/inbox") == "/mnt/studio" && missing("/mnt/studio") == "/mnt/studio")
        #expect(try missing("/mnt/studio/inbox", "/mnt/studio") == nil && missing("/mnt/studio2/inbox") == nil && missing("/srv/x") == nil && missing("/mnt/remark") == nil)
        #expect(try missing("/mnt/studio/deep/x", "/mnt/studio") == "/mnt/studio/deep")
        #expect(try missing("/mnt/My Out/a") == "/mnt/My Out" && missing("/mnt/My Out/a", "/mnt/My\\040Out") == nil)
        // Where nothing is known nothing is missing.
        #expect(ForeseenMount.missing(for: "/mnt/studio", fstab: folder.path + "/fstab", mounted: "/nowhere") == nil)
        #expect(ForeseenMount.missing(for: "/mnt/studio", fstab: "/nowhere") == nil)
    }

    /// What is mounted in a folder's place is another file system.
    @Test func fileSystemsAreToldApartOverMounts() throws {
        let folder = try TemporaryFolder(), path = try #require(Directory.resolved(folder.path))
        for name in ["a", "b"] { try Directory.create(path + "/" + name) }
        func text(_ name: String, _ mounts: String...) throws -> String? {
            try folder.write("21 1 254:0 / / rw - ext4 /dev/vda rw\n" + mounts.map { "30 21 0:44 / \(path)/a rw shared:1 - \($0) rw\n" }.joined(), to: "mountinfo")
            return FileSystemIdentity.text(of: path + "/" + name, mounted: path + "/mountinfo")
        }
        #expect(try text("a")?.hasPrefix("ext4 /dev/vda ") == true && text("a") == text("b") && text("a") != text("a", "nfs4 nas:/x"))
        #expect(try text("a", "cifs //nas/x", "nfs4 nas:/x")?.hasPrefix("nfs4 nas:/x ") == true && text("b", "nfs4 nas:/x") == text("b"))
        #expect(FileSystemIdentity.text(of: path + "/a", mounted: "/nowhere") == nil && FileSystemIdentity.text(of: path + "/c") == nil)
        #expect(FileSystemIdentity.text(of: path + "/a") != nil)
    }

    /// To Swift a slash and an accent behind it are one character, and no path could be taken apart.
    @Test func aNameThatBeginsWithAnAccent() async throws {
        let shop = try Workshop(), said = " in the inbox is left alone: its name begins with an accent or another mark that belongs to the letter before it; rename it"
        try shop.drop("toys")
        try shop.drop("\u{301}folder")
        try Data().write(to: URL(fileURLWithPath: shop.path + "/inbox/\u{301}file"))
        try await shop.withDaemon("echo x > $OUTPUT/report.json") {
            try await shop.until("the notices") { (try? shop.store().notices())?.map(\.text).sorted() == ["\u{301}file" + said, "\u{301}folder" + said] }
            try await shop.until("the other job") { shop.exists("outbox/toys/report.json") }
        }
    }

    /// A folder was emptied into the inbox: some of what is no job is named, and that there is more.
    @Test func ofManyStraysSomeAreNamed() throws {
        let shop = try Workshop()
        for i in 100..<250 { shop.touch("inbox/\(i).jpg") }
        var scan = InboxScan(configuration: shop.configuration, logger: Workshop.logger)
        _ = scan.look(at: .now)
        #expect(scan.notices.count == 101 && scan.notices[""]?.hasPrefix("More than 100 things in the inbox are no jobs") == true)
        #expect(scan.notices["100.jpg"] != nil && scan.notices["200.jpg"] == nil)
        for i in 100..<160 { unlink(shop.path + "/inbox/\(i).jpg") }
        _ = scan.look(at: .now)
        #expect(scan.notices.count == 90 && scan.notices[""] == nil && scan.notices["249.jpg"] != nil)
    }

    /// Another daemon was taking a folder and does not come back: somebody is told once nothing in it has changed for a day.
    @Test func aFolderThatAnotherDaemonHasLeft() throws {
        let shop = try Workshop(), hidden = ".toys.20261123-221300-123-abcd.taking", own = "20261123-221300-123-abce", start = ContinuousClock.now
        for name in [hidden, ".own.\(own).taking", ".toys.1.taking"] {
            try Directory.create(shop.path + "/inbox/" + name)
            shop.touch("inbox/\(name)/a.jpg")
        }
        try Directory.create(shop.path + "/state/jobs/" + own)
        var scan = InboxScan(configuration: shop.configuration, logger: Workshop.logger), said: [Int: [String: String]] = [:]
        for hours in [0, 23, 24, 47, 49] {
            if hours == 47 { shop.touch("inbox/\(hidden)/b.jpg") }
            _ = scan.look(at: start + .seconds(hours * 3600))
            said[hours] = scan.notices
        }
        #expect(said[0] == [:] && said[23] == [:] && said[49] == [:])
        #expect(said[24]?.count == 1 && said[24]?[hidden]?.contains("the job 20261123-221300-123-abcd; if that is gone for ever, rename the folder to toys") == true && said[47] == said[24])
    }

    /// No UTF-8 in a name: the folder goes all the way, into the outbox too.
    @Test func aNameOfAnOldArchive() async throws {
        let shop = try Workshop()
        for name in ["good", "bad"] {
            try shop.drop(name)
            close(creat(RawPath(shop.path + "/inbox/" + name).appending([99, 97, 102, -23]).bytes, 0o644))
        }
        #expect(try await shop.daemon("case $INPUT in */bad) exit 65;; esac; cp -r \"$INPUT\" $OUTPUT/all").run() == .drained(failures: 1))
        #expect(RawPath(shop.path + "/outbox/good/all").appending([99, 97, 102, -23]).status != nil)
        #expect(RawPath(shop.path + "/outbox/bad.failed/input").appending([99, 97, 102, -23]).status != nil)
    }

    /// Two folders whose names are one text in two spellings: each settles, and both are done.
    @Test func twinsOfOneSpellingAndAnother() async throws {
        let shop = try Workshop()
        for name in ["M\u{FC}ller", "Mu\u{308}ller"] { try shop.drop(name) }
        #expect(shop.names("inbox").count == 2)
        #expect(try await shop.daemon("echo x > $OUTPUT/x").run() == .drained(failures: 0))
        #expect(shop.names("inbox").isEmpty && shop.names("outbox").count == 2)
    }

    /// It is not taken, but somebody is told.
    @Test func aFolderWhoseNameIsNotUTF8IsSaid() async throws {
        let shop = try Workshop()
        try shop.drop("toys")
        let strange = RawPath(shop.path + "/inbox").appending([99, 97, 102, -23])
        try #require(rename(RawPath(shop.path + "/inbox/toys").bytes, strange.bytes) == 0)
        #expect(try await shop.daemon("echo x > $OUTPUT/x").run() == .drained(failures: 0))
        #expect(try shop.store().notices().map(\.text) == ["caf� in the inbox is left alone: its name is not UTF-8, shown here with � in its place; rename it"])
    }

    /// What could not be moved afterwards, by its length, is not taken, and a drain says so.
    @Test func aPathThatIsTooLong() async throws {
        let shop = try Workshop()
        try shop.drop("toys")
        try shop.drop("deep")
        let name = [CChar](repeating: 97, count: 250) + [0]
        var at = open(shop.path + "/inbox/deep", O_RDONLY | O_DIRECTORY)
        for _ in 0..<14 {
            mkdirat(at, name, 0o755)
            let next = openat(at, name, O_RDONLY | O_DIRECTORY)
            close(at)
            at = next
        }
        close(at)
        #expect(try await shop.daemon("echo x > $OUTPUT/x").run() == .drained(failures: 1))
        #expect(shop.names("outbox") == ["toys"] && shop.names("inbox") == ["deep"])
        #expect(try shop.store().notices().contains { $0.text.contains("its path has") && $0.text.contains("shorter names") })
    }

    @Test func fileSystemsAndTheirRhythm() {
        #expect(FileSystemKind(magic: 0x6969) == .network && FileSystemKind(magic: 0xFF53_4D42) == .network && FileSystemKind(magic: 0xEF53) == .local)
        #expect(FileSystemKind(of: "/proc") == .local && FileSystemKind(of: "/nowhere") == .local)
        #expect(FileSystemKind.network.rhythm(60) == 10 && FileSystemKind.network.rhythm(2) == 2 && FileSystemKind.local.rhythm(60) == 60)
        #expect((1...9).map { InboxScan.pause(after: $0) } == [5, 10, 20, 40, 80, 160, 320, 600, 600].map { .seconds($0) })
    }
}
