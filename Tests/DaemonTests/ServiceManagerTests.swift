import Foundation
import Jobs
import Logging
import Synchronization
import Testing

@testable import Daemon

@Suite struct ServiceManagerTests {
    /// What systemd would have heard.
    private final class Listener: Sendable {
        private let box = Mutex<[String]>([])
        var messages: [String] { box.withLock { $0 } }
        func manager(watchdog: Duration?) -> ServiceManager {
            ServiceManager(watchdog: watchdog) { message in self.box.withLock { $0.append(message) } }
        }
        func heard(_ text: String) -> Bool { messages.contains { $0.contains(text) } }
    }

    @Test func tellsOfReadinessStatusLifeAndStop() async throws {
        let shop = try Workshop()
        let listener = Listener()
        // Asked to stop, this worker takes a while for its resume point.
        let command = try shop.worker("""
            trap 'sleep 1; exit 75' TERM
            echo '{"phase": "train", "step": 12, "total": 345}'
            while true; do sleep 0.05; done
            """)
        let daemon = try SegmixDaemon(
            configuration: shop.configuration, worker: command, signals: [], logger: Workshop.logger, manager: listener.manager(watchdog: .milliseconds(200)))
        async let outcome = daemon.run()
        try await shop.until("READY") { listener.heard("READY=1\nSTATUS=idle") }
        try await shop.until("a sign of life") { listener.messages.contains("WATCHDOG=1") }
        try shop.drop("toys")
        try await shop.until("the step") { listener.heard("STATUS=running toys, step 12/345") }
        await daemon.stop()
        #expect(try await outcome == .stopped)
        let messages = listener.messages
        #expect(messages.first?.hasPrefix("READY=1") == true)
        let stop = try #require(messages.firstIndex { $0.hasPrefix("STOPPING=1") })
        // Alive, and in need of time, until the worker has ended.
        #expect(messages[stop...].contains { $0.contains("WATCHDOG=1\nEXTEND_TIMEOUT_USEC=") && $0.contains("running toys") })
    }

    @Test func aLoopThatHangsGivesNoSignOfLife() {
        let heartbeat = Heartbeat()
        let beats = heartbeat.beats
        #expect(!heartbeat.goesOn(since: beats))
        heartbeat.beat()
        #expect(heartbeat.goesOn(since: beats))
        #expect(!heartbeat.goesOn(since: heartbeat.beats))
    }

    @Test func reloadTakesOverWhatCanChangeAndRefusesFaults() async {
        var old = Configuration()
        old.maxAttempts = 3
        let live = LiveConfiguration(old), listener = Listener()
        func service(_ load: @escaping @Sendable () throws -> Configuration) -> ReloadService {
            ReloadService(configuration: live, load: load, manager: listener.manager(watchdog: nil), changed: WakeSignal(), logger: Workshop.logger)
        }
        await service { throw FaultList([Fault("broken")]) }.reload()
        #expect(live.current == old)
        #expect(listener.messages.map { $0.prefix(9) } == ["RELOADING", "READY=1"])

        await service {
            var new = Configuration()
            new.maxAttempts = 7
            new.inbox = "/elsewhere"
            return new
        }.reload()
        #expect(live.current.maxAttempts == 7)
        #expect(live.current.inbox == old.inbox)

        var other = Configuration()
        other.inbox = "/elsewhere"
        other.workers = 5
        other.hours = RunningHours("22:00-06:00")
        other.models = ["sdxl": .init(base: "/sdxl")]
        other.defaultJob = YAMLNode(.mapping([]), at: .init(file: "segmixd.yaml"))
        (other.maskModels, other.cacheSize, other.onFinish) = ("/masks", 7, "true")
        #expect(live.replace(with: other) == ["inbox", "workers"])
        #expect(live.current.hours == other.hours)
        #expect(live.current.workers == 1)
        #expect(live.current.models == other.models && live.current.defaultJob == other.defaultJob && live.current.onFinish == "true")
        #expect(live.current.maskModels == "/masks" && live.current.cacheSize == 7)
    }
}
