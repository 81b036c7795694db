import Foundation
import Jobs
import Testing

@testable import Daemon

/// What a new daemon makes of what an old one left, whenever that was stopped.
@Suite(.serialized) struct RecoveryTests {
    private func claim(_ shop: Workshop) -> (StateDirectory, Claim) {
        let state = StateDirectory(shop.path + "/state")
        return (state, Claim(state: state, configuration: shop.configuration, logger: Workshop.logger))
    }

    @Test func aClaimBrokenOffBeforeTheMove() async throws {
        let shop = try Workshop()
        try shop.drop("toys")
        let (state, claim) = claim(shop)
        try state.prepare()
        _ = try state.makeJob(at: Date())
        let id = try state.makeJob(at: Date())
        try FileManager.default.createDirectory(atPath: state.job(id) + "/input/.toys.copy", withIntermediateDirectories: true)
        try state.save(JobRecord(id: id, name: "toys", source: shop.path + "/inbox/toys", claimed: Date()))
        #expect(try claim.recover() == [])
        #expect(shop.names("state/jobs") == [] && shop.photos(of: "toys") == ["inbox/toys/a.jpg"])
        #expect(try await shop.daemon("echo x > $OUTPUT/x").run() == .drained(failures: 0))
        #expect(shop.names("outbox") == ["toys"])
    }

    @Test func aClaimBrokenOffAfterTheMove() async throws {
        let shop = try Workshop()
        try shop.drop("toys", specifications: ["a.yaml", "b.yaml"], specification: "priority: 3")
        let (state, claim) = claim(shop)
        try state.prepare()
        let id = try state.makeJob(at: Date())
        let record = JobRecord(id: id, name: "toys", source: shop.path + "/inbox/toys", claimed: Date())
        try FileManager.default.createDirectory(atPath: state.job(id) + "/input", withIntermediateDirectories: true)
        try state.save(record)
        try FolderMove.move(record.source, to: state.input(record))
        let recovered = try claim.recover()
        #expect(recovered.map(\.id) == [id])
        #expect(recovered[0].runs.map(\.name) == ["a", "b"] && recovered[0].runs.allSatisfy { $0.state == .queued && $0.priority == 3 })
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
    }

    private static func device(_ path: String) -> dev_t? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_dev : nil
    }

    @Test func aDamagedRecordIsLeftAlone() async throws {
        let shop = try Workshop()
        let (state, claim) = claim(shop)
        try state.prepare()
        let id = try state.makeJob(at: Date())
        try "{".write(toFile: state.job(id) + "/job.json", atomically: false, encoding: .utf8)
        #expect(try claim.recover() == [])
        #expect(shop.names("state/jobs") == [id])
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
            """
        try configuration.write(toFile: shop.path + "/segmixd.yaml", atomically: true, encoding: .utf8)
        // The daemon looks for its worker beside itself.
        try FileManager.default.copyItem(atPath: program, toPath: shop.path + "/segmixd")
        try "#!/bin/sh\nwhile [ $# -gt 0 ]; do [ \"$1\" = --output ] && O=$2; [ \"$1\" = run ] && I=$2; shift; done\nsleep 0.02; cp \"$I/a.jpg\" $O/; sleep 0.02; case $I in *bad*) exit 65;; esac\n"
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
        #expect(shop.names("outbox") == names.map { $0.hasPrefix("bad") ? $0 + ".failed" : $0 }.sorted())
        for name in names {
            let photos = shop.photos(of: name).filter { $0.contains("input/") }
            #expect(photos.count == 1, "\(name): \(photos)")
        }
        #expect(shop.names("inbox") == [] && shop.names("state/jobs") == [])
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
        try "inbox: inbox\noutbox: outbox\nstate: state\nsettle_seconds: 0.05\nmin_free_space: 0".write(toFile: shop.path + "/segmixd.yaml", atomically: true, encoding: .utf8)
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
