import Files
import Foundation
import Jobs
import JobStore
import TestFolders
import Testing

@testable import Daemon

@Suite struct SettleTests {
    private let start = ContinuousClock.now

    private func look(_ path: String) throws -> FolderLook { try FolderLook(at: path) }

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
        (look.isEmpty, look.isReady) = (false, true)
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

    /// Whatever changes in a tree changes its fingerprint; what is looked at twice has the same.
    @Test func everyChangeIsSeen() throws {
        let folder = try TemporaryFolder()
        var seen: Set<FolderLook.Fingerprint> = []
        func changed(_ what: String, _ change: () throws -> Void) throws {
            try change()
            let fingerprint = try look(folder.path).fingerprint
            #expect(try look(folder.path).fingerprint == fingerprint, "\(what)")
            #expect(seen.insert(fingerprint).inserted, "\(what)")
        }
        let path = folder.path, old = [timespec(tv_sec: 1, tv_nsec: 1), timespec(tv_sec: 1, tv_nsec: 1)]
        try changed("empty") {}
        try changed("a file") { try folder.write("1", to: "a") }
        try changed("its size") { try folder.write("22", to: "a") }
        try changed("its time") { utimensat(AT_FDCWD, path + "/a", old, 0) }
        // Older kernels count times in ticks.
        usleep(20_000)
        try changed("its bytes, and its time given back") { try folder.write("21", to: "a"); utimensat(AT_FDCWD, path + "/a", old, 0) }
        try changed("its permissions") { chmod(path + "/a", 0o600) }
        try changed("its name") { rename(path + "/a", path + "/b") }
        try changed("a folder") { mkdir(path + "/deep", 0o755); mkdir(path + "/deep/er", 0o755) }
        try changed("moved into it") { rename(path + "/b", path + "/deep/b") }
        try changed("and deeper") { rename(path + "/deep/b", path + "/deep/er/b") }
        try changed("a link") { symlink("/nowhere", path + "/link") }
        // A name that is no UTF-8 counts as well.
        try changed("a strange name") { close(open(path + "/deep", O_RDONLY)); let name = Array((path + "/deep/").utf8.map(CChar.init) + [-1, 0]); close(creat(name, 0o600)) }
        try changed("another file of its size and time") {
            try folder.write("33", to: "deep/er/c")
            var status = stat()
            stat(path + "/deep/er/b", &status)
            utimensat(AT_FDCWD, path + "/deep/er/c", old, 0)
            chmod(path + "/deep/er/c", 0o600)
            rename(path + "/deep/er/c", path + "/deep/er/b")
        }
        try changed("gone") { unlink(path + "/deep/er/b") }
        #expect(throws: FileError.self) { try look(path + "/nowhere") }
    }

    @Test func whatLiesAtTheTop() throws {
        let folder = try TemporaryFolder()
        try folder.write("", to: ".DS_Store")
        #expect(try look(folder.path).isEmpty)
        try folder.write("", to: ".lock")
        try folder.write("", to: ".ready")
        let look = try look(folder.path)
        #expect(look.isEmpty && look.isLocked && look.isReady)
        try folder.write("", to: "deep/.lock")
        unlink(folder.path + "/.lock")
        unlink(folder.path + "/.ready")
        let other = try self.look(folder.path)
        #expect(!other.isEmpty && !other.isLocked && !other.isReady)
    }

    @Test func journalLines() throws {
        let date = Date(timeIntervalSince1970: 0)
        #expect(JournalLogHandler.formatted("a\nb", level: .warning, isJournal: true, at: date) == "<4>a\n<4>b\n")
        // Who inherits the variable and has another standard error writes to no journal.
        let pipe = Pipe(), other = Pipe()
        var status = stat()
        try #require(fstat(pipe.fileHandleForWriting.fileDescriptor, &status) == 0)
        for (end, isJournal) in [(pipe, true), (other, false)] {
            #expect(JournalLogHandler.isConnected("\(status.st_dev):\(status.st_ino)", end.fileHandleForWriting.fileDescriptor) == isJournal)
        }
        #expect(!JournalLogHandler.isConnected(nil, 2))
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
