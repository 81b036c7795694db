import Files
import Foundation
import GRDB
import Jobs
import JobStore
import Synchronization
import Testing

@testable import Daemon

/// Another program has the queue's database locked for long.
@Suite struct LockedQueueTests {
    /// Another program that has begun to write, and does not end.
    private static func other(_ state: StateDirectory) throws -> DatabaseQueue {
        var configuration = GRDB.Configuration()
        configuration.allowsUnsafeTransactions = true
        let queue = try DatabaseQueue(path: state.database, configuration: configuration)
        try queue.inDatabase { try $0.execute(sql: "BEGIN IMMEDIATE") }
        return queue
    }

    /// The daemon shows all the time that it lives, says what is wrong, and goes on by itself.
    @Test(.timeLimit(.minutes(1))) func aLockIsNoDeath() async throws {
        let watchdog = Duration.seconds(2)
        let shop = try Workshop { $0.workers = 3; $0.memoryPerJob = 1 << 20 }
        let heard = Mutex<[(ContinuousClock.Instant, String)]>([])
        let manager = ServiceManager(watchdog: watchdog) { message in heard.withLock { $0.append((.now, message)) } }
        let script = "for i in 1 2 3 4 5 6 7 8 9 10; do echo '{\"phase\": \"train\", \"step\": '$i', \"total\": 10}'; sleep 0.3; done; echo x > $OUTPUT/x"
        let daemon = try SegmixDaemon(
            configuration: shop.configuration, worker: try shop.worker(script), signals: [], retryDelay: { _ in .milliseconds(50) }, logger: Workshop.logger, manager: manager)
        let running = Task { try await daemon.run() }
        for i in 1...3 { try shop.drop("toys\(i)") }
        try await shop.until("the workers") { (try? shop.store().counts()[.running]) == 3 }
        for i in 4...6 { try shop.drop("toys\(i)") }

        let other = try Self.other(StateDirectory(shop.configuration.state))
        let locked = ContinuousClock.now
        try await Task.sleep(for: .seconds(8))
        try other.inDatabase { try $0.execute(sql: "ROLLBACK") }
        let free = ContinuousClock.now

        let during = heard.withLock { $0.filter { locked <= $0.0 && $0.0 <= free } }
        var last = locked
        for (time, message) in during + [(free, "WATCHDOG=1")] where message.contains("WATCHDOG=1") {
            #expect(time - last < watchdog, "no sign of life for \(time - last)")
            last = time
        }
        #expect(during.contains { $0.1.hasPrefix("STATUS=") && $0.1.contains("is locked by another program") }, "\(during.map(\.1))")
        while shop.names("outbox").filter({ !$0.hasPrefix(".") }).count < 6, ContinuousClock.now - free < .seconds(35) { try await Task.sleep(for: .milliseconds(50)) }
        #expect(shop.names("outbox").filter { !$0.hasPrefix(".") }.count == 6)
        try await shop.until("the status") { heard.withLock { !($0.last { $0.1.hasPrefix("STATUS=") }?.1.contains("locked") ?? true) } }
        await daemon.stop()
        #expect(try await running.value == .stopped)
    }

    /// The first change waits its time, those behind it a moment each, until one has worked.
    @Test func whoStandsInLineWaitsAMoment() throws {
        let shop = try Workshop()
        let state = StateDirectory(shop.configuration.state)
        let store = try JobStore.openForDaemon(state, patience: .milliseconds(600)).0
        let other = try Self.other(state)
        func write() -> Duration {
            ContinuousClock().measure { #expect(throws: StoreError.self) { try store.setNotices(["x": "y"], prefix: "x") } }
        }
        let first = write()
        #expect(first >= .milliseconds(600) && first < .seconds(3))
        #expect(store.lockNotice?.contains("close whatever has it open") == true)
        for _ in 0..<5 { #expect(write() < .milliseconds(500)) }
        // What is only read needs no lock.
        #expect(try store.counts()[.queued] == 0)
        try other.inDatabase { try $0.execute(sql: "ROLLBACK") }
        try store.setNotices(["x": "y"], prefix: "x")
        #expect(store.lockNotice == nil)
    }
}
