import Foundation
import Jobs
import JobStore
import Testing

@testable import Daemon

@Suite struct SettleTests {
    private let start = ContinuousClock.now

    private func look(_ path: String) throws -> SettleTracker.Look { .init(snapshot: try FolderSnapshot(of: path)) }

    @Test func settlesWhenNothingHasChangedForLongEnough() throws {
        let folder = try TemporaryFolder()
        try folder.write("1", to: "a")
        var tracker = SettleTracker(settle: .seconds(10))
        let first = try look(folder.path)
        #expect(tracker.observe("x", first, at: start) == .waiting(until: start + .seconds(10)))
        #expect(tracker.observe("x", first, at: start + .seconds(9)) == .waiting(until: start + .seconds(10)))
        try folder.write("22", to: "a")
        let second = try look(folder.path)
        #expect(tracker.observe("x", second, at: start + .seconds(10)) == .waiting(until: start + .seconds(20)))
        #expect(tracker.observe("x", second, at: start + .seconds(20)) == .settled)
        // Out of the inbox and in again: it starts anew.
        tracker.keep([])
        #expect(tracker.observe("x", second, at: start + .seconds(21)) == .waiting(until: start + .seconds(31)))
    }

    @Test func markers() throws {
        let folder = try TemporaryFolder()
        var tracker = SettleTracker(settle: .seconds(10))
        var look = try look(folder.path)
        look.isReady = true
        #expect(tracker.observe("x", look, at: start) == .settled)
        look.isLocked = true
        #expect(tracker.observe("x", look, at: start + .seconds(60)) == .idle)
        look.isLocked = false
        look.isReady = false
        // The lock counts as a change: the time runs from its end.
        #expect(tracker.observe("x", look, at: start + .seconds(61)) == .waiting(until: start + .seconds(70)))
        look.isEmpty = true
        #expect(tracker.observe("x", look, at: start + .seconds(999)) == .idle)
    }

    @Test func journalLines() {
        let date = Date(timeIntervalSince1970: 0)
        #expect(JournalLogHandler.formatted("a\nb", level: .warning, isJournal: true, at: date) == "<4>a\n<4>b\n")
        #expect(JournalLogHandler.formatted("a", level: .info, isJournal: false, at: date) == "1970-01-01T00:00:00Z info: a\n")
    }

    @Test func retryDelaysGrow() {
        #expect((1...5).map { RunOutcome.defaultDelay(attempt: $0) } == [30, 120, 480, 1800, 1800].map { .seconds($0) })
    }

    @Test func workerIdentity() throws {
        let own = try #require(WorkerIdentity(pid: getpid()))
        #expect(own.isAlive)
        var other = own
        other.started += 1
        #expect(!other.isAlive)
        #expect(WorkerIdentity(pid: 0x7FFF_FFF0) == nil)
    }
}
