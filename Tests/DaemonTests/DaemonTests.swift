import Dispatch
import Foundation
import Jobs
import JobStore
import Synchronization
import Testing

@testable import Daemon

/// The whole daemon with real folders and real processes.
@Suite(.serialized) struct DaemonTests {
    private static let good = "echo lora > $OUTPUT/x.safetensors; mkdir $OUTPUT/.resume; echo point > $OUTPUT/.resume/p; echo working; echo careful >&2\n"

    @Test func aFolderBecomesAResult() async throws {
        let shop = try Workshop()
        try shop.drop("toys")
        let outcome = try await shop.daemon(
            Self.good + """
                echo "$ALL" > $OUTPUT/all; cp "$INPUT/a.jpg" $OUTPUT/seen; env > $OUTPUT/env; ls -l /proc/$$/fd > $OUTPUT/fds
                echo '{"phase": "train", "step": 2, "total": 2, "loss": 0.5}'
                """).run()
        #expect(outcome == .drained(failures: 0) && outcome.exitCode(drains: true) == 0)
        #expect(shop.names("outbox") == ["toys"])
        #expect(shop.names("outbox/toys") == ["all", "env", "fds", "job.log", "seen", "x.safetensors"])
        #expect(shop.read("outbox/toys/seen") == "photo of toys")
        let log = try #require(shop.read("outbox/toys/job.log"))
        #expect(log.split(separator: "\n").sorted() == ["careful", "train 2/2, loss 0.5000", "working"])
        #expect(shop.read("outbox/toys/env")?.contains("SEGMIX_PROGRESS=json\n") == true)
        // Of the daemon's own it has nothing but the three standard streams.
        let descriptors = try #require(shop.read("outbox/toys/fds"))
        #expect(descriptors.contains("/logs/job.log"))
        #expect(!descriptors.contains("inotify") && !descriptors.contains("/state/lock"))
        // The folder is kept with the record, and nothing else is left.
        let id = try #require(shop.names("state/done").first)
        #expect(shop.names("state/done") == [id] && shop.names("state/jobs") == [] && shop.names("inbox") == [])
        #expect(shop.photos(of: "toys") == ["state/done/\(id)/input/toys/a.jpg"])
        #expect(!shop.exists("state/done/\(id)/output"))
        let words = (shop.read("outbox/toys/all") ?? "").split(separator: " ").map { $0.trimmingCharacters(in: .newlines) }
        #expect(words == ["run", shop.path + "/state/jobs/\(id)/input/toys", "--config", shop.path + "/segmixd.yaml",
            "--configuration-snapshot", shop.path + "/state/jobs/\(id)/configuration.json", "--output", shop.path + "/state/jobs/\(id)/output/job", "--spec=job.yaml"])
    }

    @Test func severalFoldersGoByPriorityAndAge() async throws {
        let shop = try Workshop(settle: 0)
        for (name, priority) in [("1-low", -1), ("2-plain", 0), ("3-plain", 0), ("4-high", 5)] { try shop.drop(name, specification: "priority: \(priority)") }
        // The first may be started before the others are seen.
        let outcome = try await shop.daemon(
            "while [ -n \"$(ls \(shop.path)/inbox)\" ]; do sleep 0.02; done; sleep 0.3; basename \"$INPUT\" >> \(shop.path)/order; echo x > $OUTPUT/x").run()
        #expect(outcome == .drained(failures: 0))
        let order = (shop.read("order") ?? "").split(separator: "\n").map(String.init)
        #expect(order.sorted() == ["1-low", "2-plain", "3-plain", "4-high"])
        #expect(order.filter { $0 != "1-low" || order.first != "1-low" }.first == "4-high")
        #expect(order.firstIndex(of: "2-plain")! < order.firstIndex(of: "3-plain")!)
    }

    @Test func aFolderThatIsStillWrittenIsNotTaken() async throws {
        let shop = try Workshop(settle: 2)
        let daemon = try shop.daemon("cp \"$INPUT\"/*.jpg $OUTPUT", drains: false)
        let running = Task { try await daemon.run() }
        try shop.drop("toys")
        for i in 0..<10 {
            try await Task.sleep(for: .milliseconds(200))
            // Once as a new file, once as a growing one deep down.
            try FileManager.default.createDirectory(atPath: shop.path + "/inbox/toys/deep", withIntermediateDirectories: true)
            try String(repeating: "x", count: i).write(toFile: shop.path + "/inbox/toys/" + (i % 2 == 0 ? "p\(i).jpg" : "deep/q"), atomically: false, encoding: .utf8)
            #expect(shop.names("state/jobs") == [])
        }
        try await shop.until("a result") { shop.exists("outbox/toys") }
        #expect(shop.names("outbox/toys") == ["a.jpg", "job.log", "p0.jpg", "p2.jpg", "p4.jpg", "p6.jpg", "p8.jpg"])
        await daemon.stop()
        #expect(try await running.value == .stopped)
    }

    /// A share that does not answer holds up the inbox, and a stop reaches the worker all the same.
    @Test func aStopReachesTheWorkerWhileTheInboxHangs() async throws {
        let shop = try Workshop()
        let daemon = try shop.daemon("trap 'echo stopped > \(shop.path)/asked; exit 75' TERM; touch \(shop.path)/runs; while :; do sleep 0.05; done", drains: false)
        let running = Task { try await daemon.run() }
        try shop.drop("toys")
        try await shop.until("the worker") { shop.exists("runs") }
        let answers = DispatchSemaphore(value: 0), hangs = Mutex(false), files = daemon.inboxFiles
        let share = Task { try await files.run { hangs.withLock { $0 = true }; answers.wait() } }
        try await shop.until("the share to hang") { hangs.withLock { $0 } }
        let stopping = Task { await daemon.stop() }
        try? await shop.until("the worker to be asked") { shop.exists("asked") }
        #expect(shop.exists("asked"))
        answers.signal()
        try await share.value
        await stopping.value
        #expect(try await running.value == .stopped)
    }

    /// A worker may take its time to stop: meanwhile nothing more is taken, and the drain's end is that of one that was stopped.
    @Test(arguments: [true, false]) func aStopTakesNoMoreFolders(_ drains: Bool) async throws {
        let shop = try Workshop(settle: 0.5)
        let daemon = try shop.daemon("trap 'sleep 2; exit 75' TERM; touch \(shop.path)/runs; while :; do sleep 0.05; done", drains: drains)
        try shop.drop("toys")
        let running = Task { try await daemon.run() }
        try await shop.until("the worker") { shop.exists("runs") }
        try shop.drop("late")
        await daemon.stop()
        #expect(try await running.value == .stopped && shop.names("inbox") == ["late"])
    }

    /// A drain that is stopped while a folder still settles has not drained.
    @Test func aDrainThatIsStoppedEarly() async throws {
        let shop = try Workshop(settle: 3600)
        try shop.drop("toys")
        let daemon = try shop.daemon("echo x > $OUTPUT/x"), running = Task { try await daemon.run() }
        try await Task.sleep(for: .milliseconds(300))
        await daemon.stop()
        #expect(try await running.value == .stopped && shop.names("inbox") == ["toys"])
    }

    @Test func markersReadyAndLock() async throws {
        let shop = try Workshop(settle: 3600)
        let daemon = try shop.daemon("echo x > $OUTPUT/x", drains: false)
        let running = Task { try await daemon.run() }
        try shop.drop("toys")
        try await Task.sleep(for: .milliseconds(300))
        shop.touch("inbox/toys/.lock")
        shop.touch("inbox/toys/.ready")
        try await Task.sleep(for: .milliseconds(700))
        #expect(shop.names("inbox") == ["toys"])
        try FileManager.default.removeItem(atPath: shop.path + "/inbox/toys/.lock")
        try await shop.until("a result") { shop.exists("outbox/toys") }
        await daemon.stop()
        _ = try await running.value
    }

    @Test func whatIsNoJobIsLeftAloneOrExplained() async throws {
        let shop = try Workshop()
        try shop.drop("bare", specifications: [])
        try shop.drop("pictures", specifications: [], metadata: false)
        try FileManager.default.createDirectory(atPath: shop.path + "/inbox/empty", withIntermediateDirectories: true)
        shop.touch("inbox/empty/.DS_Store")
        shop.touch("inbox/loose.jpg")
        symlink("/etc", shop.path + "/inbox/link")
        try FileManager.default.createDirectory(atPath: shop.path + "/inbox/.hidden", withIntermediateDirectories: true)
        shop.touch("inbox/.hidden/a.yaml")
        let outcome = try await shop.daemon("exit 1").run()
        #expect(outcome == .drained(failures: 2) && outcome.exitCode(drains: true) == 1)
        #expect(shop.names("inbox") == [".hidden", "empty", "link", "loose.jpg"])
        #expect(shop.names("outbox") == ["bare.failed", "pictures.failed"])
        #expect(shop.names("outbox/pictures.failed") == ["error.txt", "input", "job.log"])
        #expect(shop.read("outbox/pictures.failed/job.log")?.contains("has no metadata.jsonl") == true)
        #expect(shop.read("outbox/pictures.failed/error.txt")?.components(separatedBy: "\nJob folder: ").first == """
            the folder pictures has no metadata.jsonl, which lists its subjects and photos; the README shows how to write it.
            the folder pictures has no job specification; add a job.yaml (an empty one takes every default), or set `default_job` in the daemon's configuration.

            The folder itself is in `input`, as it was. Put it into the inbox again, as pictures, when it is in order.

            """)
        #expect(shop.photos(of: "pictures") == ["outbox/pictures.failed/input/a.jpg"])
        #expect(shop.photos(of: "bare") == ["outbox/bare.failed/input/a.jpg"])
    }

    @Test func withADefaultJobNoSpecificationIsNeeded() async throws {
        let shop = try Workshop { $0.defaultJob = YAMLNode(.mapping([]), at: .init(file: "segmixd.yaml")) }
        try shop.drop("bare", specifications: [])
        #expect(try await shop.daemon("echo \"[$SPEC]\" > $OUTPUT/x").run() == .drained(failures: 0))
        #expect(shop.read("outbox/bare/x") == "[]\n")
    }

    /// Another `default_job` is for jobs that have not begun; one that has would be refused as another run.
    @Test func whatHasBegunKeepsItsDefaultJob() async throws {
        let shop = try Workshop { $0.defaultJob = try? YAMLReader.parse(Array("seed: 1".utf8), file: "segmixd.yaml") }
        for name in ["begun", "new"] { try shop.drop(name) }
        let worker = """
            c=$(dirname "$(dirname "$INPUT")")/configuration.json; { cat "$c"; echo; } >> $OUTPUT/seen
            case $INPUT in */begun) mkdir -p $OUTPUT/.segmixd/resume;; esac
            [ "$(wc -l < $OUTPUT/tries 2>/dev/null || echo 0)" -ge 1 ] || { echo x >> $OUTPUT/tries; exit 74; }
            """
        var other = shop.configuration
        // The state directory is locked as long as there is a daemon.
        do {
            let daemon = try shop.daemon(worker, drains: false, retryDelay: .seconds(30)), running = Task { try await daemon.run() }
            try await shop.until("both tried") { (try? shop.store().summaries())?.count { $0.attempts == 1 && $0.state == .queued } == 2 }
            await daemon.stop()
            _ = try await running.value
        }
        other.defaultJob = try YAMLReader.parse(Array("seed: 2".utf8), file: "segmixd.yaml")
        let next = try SegmixDaemon(configuration: other, worker: shop.worker(worker), drains: true, signals: [], retryDelay: { _ in .milliseconds(20) }, logger: Workshop.logger)
        #expect(try await next.run() == .drained(failures: 0))
        func seeds(_ name: String) -> [String] { (shop.read("outbox/\(name)/seen") ?? "").split(separator: "\n").map { $0.contains("\"1\"") ? "1" : $0.contains("\"2\"") ? "2" : "?" } }
        #expect(seeds("begun") == ["1", "1"] && seeds("new") == ["1", "2"])
    }

    @Test func badInputFailsAtOnceWithTheWorkersWords() async throws {
        let shop = try Workshop()
        try shop.drop("toys")
        let outcome = try await shop.daemon(
            """
            echo run >> \(shop.path)/runs
            echo '{"phase": "check", "message": "note: a.jpg lies turned"}'; echo '{"phase": "train", "step": 1, "total": 2}'
            printf "job.yaml:3: wrong\njob.yaml:4: too\n" >&2; echo half > $OUTPUT/half
            exit 65
            """).run()
        #expect(outcome == .drained(failures: 1))
        #expect(shop.read("runs") == "run\n")
        #expect(shop.names("outbox/toys.failed") == ["error.txt", "half", "input", "job.log"])
        #expect(shop.read("outbox/toys.failed/error.txt")?.components(separatedBy: "\nJob folder: ").first == """
            job.yaml:3: wrong
            job.yaml:4: too

            The folder or its specification is not in order; correct that and put the folder into the inbox again.

            The folder itself is in `input`, as it was. Put it into the inbox again, as toys, when it is in order.

            """)
        #expect(shop.photos(of: "toys") == ["outbox/toys.failed/input/a.jpg"])
    }

    @Test func aCrashIsTriedAgainAndGoesOnWhereItWas() async throws {
        let shop = try Workshop()
        try shop.drop("toys")
        let outcome = try await shop.daemon("echo x >> $OUTPUT/steps; [ $(wc -l < $OUTPUT/steps) -ge 3 ] || kill -9 $$").run()
        #expect(outcome == .drained(failures: 0))
        #expect(shop.read("outbox/toys/steps") == "x\nx\nx\n")
    }

    @Test(arguments: [
        ("kill -9 $$", "The worker was killed, most likely because the machine ran out of memory; use a smaller `resolution` or `train_batch_size`, or set `mixed_precision: bf16` or `gradient_checkpointing: true`. It was tried 3 times.", 3),
        ("kill -SEGV $$", "The worker crashed (signal 11, Segmentation fault). This is a fault of segmix. It was tried 3 times.", 3),
        ("exit 70", "The worker failed (exit status 70). This is a fault of segmix.", 1),
        ("exit 74", "A file could not be read or written: a disk failed or is full, or a share went away; mend what is named below. It was tried 3 times.", 3),
        ("exit 75", "The worker was stopped again and again before it was done. It was tried 3 times.", 3),
        ("exit 69", "A model or a device is missing or not in order; the one who looks after this machine must set it up (`models` of the configuration).", 1),
        ("exit 0", "The worker ended without an error and without a result.", 1),
    ])
    func whatKeepsFailingIsGivenUp(_ script: String, _ sentence: String, _ attempts: Int) async throws {
        let shop = try Workshop()
        try shop.drop("toys")
        #expect(try await shop.daemon("echo x >> \(shop.path)/runs; " + script, retryDelay: .milliseconds(5)).run() == .drained(failures: 1))
        #expect(shop.read("outbox/toys.failed/error.txt")?.split(separator: "\n").first.map(String.init) == sentence)
        #expect(shop.read("runs") == String(repeating: "x\n", count: attempts))
        #expect(shop.photos(of: "toys") == ["outbox/toys.failed/input/a.jpg"])
    }

    @Test func severalSpecificationsShareAFolder() async throws {
        let shop = try Workshop()
        try shop.drop("toys", specifications: ["a.yaml", "b.yml", "c.yaml"])
        let outcome = try await shop.daemon("echo $SPEC > $OUTPUT/spec; cp \"$INPUT/a.jpg\" $OUTPUT; if [ $SPEC = b.yml ]; then echo oh >&2; exit 65; fi").run()
        #expect(outcome == .drained(failures: 1))
        #expect(shop.names("outbox") == ["toys", "toys.failed"])
        #expect(shop.names("outbox/toys") == ["a", "c"])
        #expect(shop.read("outbox/toys/c/spec") == "c.yaml\n")
        #expect(shop.names("outbox/toys.failed") == ["b", "error.txt", "input"])
        #expect(shop.names("outbox/toys.failed/b") == ["a.jpg", "job.log", "spec"])
        let text = try #require(shop.read("outbox/toys.failed/error.txt"))
        #expect(text.hasPrefix("b.yml: oh\n\nThe folder or its specification is not in order"))
        #expect(text.contains("The other results of this folder are in toys."))
        #expect(shop.exists("outbox/toys.failed/input/a.yaml"))
    }

    @Test func namesThatAreTakenGetANumber() async throws {
        let shop = try Workshop()
        for round in 1...3 {
            try shop.drop("toys")
            try shop.drop("bad")
            #expect(try await shop.daemon("case $INPUT in */bad) exit 65;; esac; echo \(round) > $OUTPUT/x").run() == .drained(failures: 1))
        }
        #expect(shop.names("outbox") == ["bad.failed", "bad.failed-2", "bad.failed-3", "toys", "toys-2", "toys-3"])
        #expect(shop.read("outbox/toys-3/x") == "3\n")
    }

    @Test func aNameWithSpacesQuotesAndUmlauts() async throws {
        let shop = try Workshop()
        let name = "Meine \"schönen\" Fotos $HOME; rm -rf '*'"
        try shop.drop(name)
        #expect(try await shop.daemon("basename \"$INPUT\" > $OUTPUT/x").run() == .drained(failures: 0))
        #expect(shop.read("outbox/\(name)/x") == name + "\n")
    }

    /// What a worker does that takes SIGTERM seriously.
    private static let steps = """
        trap 'echo stopped >> $OUTPUT/log; exit 75' TERM
        echo started >> $OUTPUT/log
        if [ $(grep -c started $OUTPUT/log) -ge 2 ]; then exit 0; fi
        while :; do sleep 0.05; done

        """

    /// Runs a daemon of its own until its worker is at work, then stops it; the daemon is gone afterwards.
    private func runUntilStopped(_ shop: Workshop) async throws {
        let daemon = try shop.daemon(Self.steps, drains: false)
        let running = Task { try await daemon.run() }
        try await shop.until("the worker's start") {
            shop.names("state/jobs").first.flatMap { shop.read("state/jobs/\($0)/output/job/log") } != nil
        }
        await daemon.stop()
        #expect(try await running.value == .stopped)
    }

    @Test func askedToStopTheWorkerWritesItsResumePointAndTheNextDaemonGoesOn() async throws {
        let shop = try Workshop { $0.maxAttempts = 1 }
        try shop.drop("toys")
        try await runUntilStopped(shop)
        let id = try #require(shop.names("state/jobs").first)
        #expect(shop.read("state/jobs/\(id)/output/job/log") == "started\nstopped\n")
        let record = try #require(try shop.store().record(id))
        #expect(record.runs[0].state == .queued && record.runs[0].attempts == 0 && record.runs[0].worker == nil)
        #expect(shop.names("outbox") == [])
        #expect(try await shop.daemon(Self.steps).run() == .drained(failures: 0))
        #expect(shop.read("outbox/toys/log") == "started\nstopped\nstarted\n")
    }

    @Test func aWorkerThatAnEarlierDaemonLeftIsEndedFirst() async throws {
        let shop = try Workshop()
        let state = StateDirectory(shop.path + "/state")
        try state.prepare()
        // A job that was running when its daemon was killed: the worker is still there, though nobody wrote its number down.
        let id = try state.makeJob(at: Date())
        var record = JobRecord(id: id, name: "toys", source: shop.path + "/inbox/toys", claimed: Date())
        try shop.drop("toys")
        try FileManager.default.createDirectory(atPath: state.job(id) + "/input", withIntermediateDirectories: true)
        try FolderMove.move(record.source, to: state.input(record))
        let stale = try WorkerProcess(
            executable: "/bin/sleep", arguments: ["600"], environment: [StrayWorkers.environmentKey: state.path], output: 1, errors: 2)
        record.runs = [.init(specificationFile: "job.yaml", name: "job", state: .running)]
        try JobStore.openForDaemon(state).0.add(record)
        async let end = stale.wait()
        #expect(try await shop.daemon("echo x > $OUTPUT/x").run() == .drained(failures: 0))
        #expect(await end == .killed(signal: SIGTERM))
        #expect(shop.names("outbox") == ["toys"])
    }

    @Test func aSecondDaemonIsRefused() async throws {
        let shop = try Workshop()
        let first = try shop.daemon("exit 0")
        #expect(throws: Fault("another segmixd (process \(getpid())) works with the state directory \(shop.path)/state; stop it, or give this one another `state`")) {
            try shop.daemon("exit 0")
        }
        withExtendedLifetime(first) {}
    }

    @Test func withoutRoomNothingIsStartedAndNothingIsLost() async throws {
        let shop = try Workshop { $0.minFreeSpace = .max }
        try shop.drop("toys")
        let outcome = try await shop.daemon("echo x > $OUTPUT/x").run()
        #expect(outcome == .stopped && outcome.exitCode(drains: true) == 75)
        #expect(shop.names("outbox") == [] && shop.photos(of: "toys").count == 1)
    }

    @Test func aFullOutboxIsWaitedFor() async throws {
        let shop = try Workshop()
        try shop.drop("toys")
        // Stands for a disk that takes nothing: the place of the hidden folder is taken by a file.
        let daemon = try shop.daemon("mv \(shop.path)/outbox \(shop.path)/away; echo no > \(shop.path)/outbox; echo x > $OUTPUT/x", drains: false)
        let running = Task { try await daemon.run() }
        try await shop.until("the worker's end") { shop.names("state/jobs").first.flatMap { try? shop.store().record($0) }?.runs[0].state == .publishing }
        try await Task.sleep(for: .milliseconds(200))
        try FileManager.default.removeItem(atPath: shop.path + "/outbox")
        try FileManager.default.moveItem(atPath: shop.path + "/away", toPath: shop.path + "/outbox")
        try await shop.until("a result") { shop.exists("outbox/toys/x") }
        await daemon.stop()
        _ = try await running.value
    }
}
