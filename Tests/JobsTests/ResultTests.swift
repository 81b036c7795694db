import Files
import Foundation
import TestFolders
import Testing

@testable import Jobs

@Suite struct ResultTests {
    @Test func progressLines() throws {
        let line = ProgressLine(phase: .train, step: 20, total: 2010, loss: 0.125, secondsPerStep: 3.2, remaining: 6360, message: nil)
        #expect(ProgressLine(line: line.encoded) == line)
        #expect(!line.encoded.contains("\n"))
        #expect(line.sentence == "train 20/2010, loss 0.1250, 3.20 s a step, 1 h 46 min left")
        #expect(ProgressLine(phase: .train, loss: .nan).encoded == #"{"phase":"train"}"#)
        #expect(ProgressLine(line: "step 5") == nil)
        #expect(ProgressLine(line: #"{"phase": "dance"}"#) == nil)
        #expect(ProgressLine(line: "{") == nil)
        #expect(ProgressLine.words(seconds: 200) == "3 min 20 s")
        #expect(ProgressLine.words(seconds: .infinity) == "0 s")
    }

    @Test func namesOfResults() {
        #expect((1...3).map { ResultName.candidate("toys", attempt: $0, in: "/tmp") } == ["toys", "toys-2", "toys-3"])
        #expect(ResultName.failed("toys", in: "/tmp") == "toys.failed")
        let long = String(repeating: "ü", count: 127)
        for count in [71, 72, 73, 127] {
            let name = ResultName.candidate(ResultName.failed(String(repeating: "図", count: count), in: "/tmp"), attempt: 12, in: "/tmp")
            #expect(name.utf8.count <= 255 && name.hasSuffix(".failed-12"), "\(name)")
        }
        #expect(ResultName.candidate(ResultName.cancelled(long, in: "/tmp"), attempt: 1, in: "/tmp").hasSuffix("ü.cancelled"))
        // What lies in a result goes to encrypted shares as well, whose names have 143 bytes.
        #expect((ResultName.shortenedForAll(long) + ".safetensors").utf8.count <= 143)
        // All of it is one letter to Swift.
        for strange in ["a" + String(repeating: "\u{301}", count: 120), String(repeating: "\u{1F468}\u{200D}", count: 36)] {
            let name = ResultName.candidate(strange, attempt: 2, in: "/tmp")
            #expect(strange.count < 40 && name.utf8.count > 210 && name.utf8.starts(with: strange.utf8.prefix(200)) && name.hasSuffix("-2"))
        }
    }

    @Test func namesThatEveryFileSystemTakes() {
        let names = [
            "toys: one?": "toys_ one_", "a\\b|c<d>*\"": "a_b_c_d___", "toys. .": "toys", "toys ": "toys", "...": "_", "con": "_con", "Lpt1.safetensors": "_Lpt1.safetensors",
            "bell\u{7}": "bell_",
        ]
        for (name, portable) in names { #expect(ResultName.portable(name) == portable, "\(name)") }
        for name in ["toys", "Plüsch und Hund.failed-2", "console", "a b.safetensors", ".hidden"] { #expect(ResultName.portable(name) == nil, "\(name)") }
    }

    /// In local time, in the hour that a clock skips in spring as well.
    @Test func startTimes() throws {
        let berlin = try #require(TimeZone(identifier: "Europe/Berlin"))
        func seconds(_ text: String) -> Double? { StartTime.date(text, in: berlin)?.timeIntervalSince1970 }
        #expect(seconds("2026-12-24 22:00") == 1_798_146_000 && seconds("2026-12-24") == 1_798_066_800 && seconds("2026-12-24T22:00:30") == 1_798_146_030)
        #expect(try [1_806_195_600, 1_806_197_400].contains(#require(seconds("2027-03-28 02:30"))))
        for wrong in ["2026-13-01", "2026-02-29", "2026-12-24 24:00", "2026-12-24 22", "24.12.2026", "2026-12-24 22:00 +01", ""] { #expect(seconds(wrong) == nil, "\(wrong)") }
    }

    @Test func exitStatus() {
        #expect(ExitStatus.allCases.map(\.rawValue) == [0, 64, 65, 69, 70, 74, 75])
        #expect(ExitStatus.allCases.filter(\.isWorthRetrying) == [.inputOutput, .stopped])
    }

    private func makeOutput(_ folder: TemporaryFolder) throws {
        try folder.write("lora", to: "output/x.safetensors")
        try folder.write("png", to: "output/samples/1.png")
        try folder.write("resume", to: "output/.resume/point")
        try folder.write("photo", to: "input/toys/a.jpg")
    }

    private func publication(_ folder: TemporaryFolder) -> (Publication, [Publication.Part]) {
        (Publication(folder: folder.path + "/outbox", name: "toys", partial: ResultName.partial("7", run: 0, of: 1)), [
            .contents(of: folder.path + "/output", into: ""), .text("why", to: "error.txt"),
            .moved(from: folder.path + "/input/toys", to: "input"),
        ])
    }

    @Test func publishesWhole() async throws {
        let folder = try TemporaryFolder()
        try makeOutput(folder)
        let (publication, parts) = publication(folder)
        var told: [String] = []
        let name = try await publication.publish(chosen: nil, parts: parts) { name in
            told.append(name)
            // Nothing is visible yet, and everything is in place.
            let visible = try? Folder.names(folder.path + "/outbox")
            #expect(visible == [".7.partial"])
            #expect(folder.exists("outbox/.7.partial/input/a.jpg"))
        }
        #expect(name == "toys" && told == ["toys"])
        #expect(try Folder.names(folder.path + "/outbox") == ["toys"])
        #expect(try folder.read("outbox/toys/x.safetensors") == "lora" && folder.read("outbox/toys/samples/1.png") == "png")
        #expect(try folder.read("outbox/toys/error.txt") == "why" && folder.read("outbox/toys/input/a.jpg") == "photo")
        // Hidden entries are the worker's own.
        #expect(folder.exists("output/.resume/point") && !folder.exists("outbox/toys/.resume"))
        // Once more: it has appeared already.
        #expect(try await publication.publish(chosen: "toys", parts: parts) { _ in } == "toys")
        #expect(try Folder.names(folder.path + "/outbox") == ["toys"])
    }

    /// Written down, and then neither there nor on its way: the outbox is not the one it was.
    @Test func aResultOutOfSightIsNotTakenForThere() async throws {
        let folder = try TemporaryFolder()
        try makeOutput(folder)
        let (publication, parts) = publication(folder)
        await #expect { _ = try await publication.publish(chosen: "toys", parts: parts) { _ in } } throws: { "\($0)".contains("Mount the outbox") }
        #expect(folder.exists("output/x.safetensors"))
    }

    /// Others may write in the outbox: where a hidden folder is to be they put a link.
    @Test(arguments: [".7.partial", ".7.partial/sub"]) func nothingIsPublishedThroughALink(_ link: String) async throws {
        let folder = try TemporaryFolder(), path = folder.path
        try makeOutput(folder)
        try Directory.create(Directory.parent(of: path + "/outbox/" + link))
        try Directory.create(path + "/elsewhere")
        try #require(symlink(path + "/elsewhere", path + "/outbox/" + link) == 0)
        let publication = self.publication(folder).0, parts = [Publication.Part.contents(of: path + "/output", into: "sub")]
        await #expect { _ = try await publication.publish(chosen: nil, parts: parts) { _ in } } throws: { "\($0)".contains("it is a link") }
        #expect(try Folder.names(path + "/elsewhere") == [] && folder.exists("output/x.safetensors"))
    }

    @Test func takenNamesGetANumber() async throws {
        let folder = try TemporaryFolder()
        try makeOutput(folder)
        try folder.write("mine", to: "outbox/toys/x")
        try folder.write("file", to: "outbox/toys-2")
        let (publication, parts) = publication(folder)
        #expect(try await publication.publish(chosen: nil, parts: parts) { _ in } == "toys-3")
        #expect(try folder.read("outbox/toys/x") == "mine")
    }

    private struct PowerCut: Error {}

    @Test func brokenOffBeforeTheRenameItIsFinishedLater() async throws {
        let folder = try TemporaryFolder()
        try makeOutput(folder)
        let (publication, parts) = publication(folder)
        await #expect(throws: PowerCut.self) { try await publication.publish(chosen: nil, parts: parts) { _ in throw PowerCut() } }
        #expect(!folder.exists("outbox/toys"))
        #expect(try await publication.publish(chosen: "toys", parts: parts) { _ in } == "toys")
        #expect(try folder.read("outbox/toys/input/a.jpg") == "photo" && folder.read("outbox/toys/x.safetensors") == "lora")
    }

    @Test func movingAcrossFileSystems() throws {
        let folder = try TemporaryFolder()
        try folder.write("photo", to: "in/toys/deep/a.jpg")
        symlink("deep/a.jpg", folder.path + "/in/toys/link")
        chmod(folder.path + "/in/toys/deep/a.jpg", 0o640)
        let (source, destination) = (folder.path + "/in/toys", folder.path + "/state/toys")
        try Directory.create(folder.path + "/state")
        // No UTF-8, as in old archives.
        let strange = RawPath(source).appending([99, 97, 102, -23])
        close(creat(strange.bytes, 0o600))
        let twin = folder.path + "/twin"
        try TreeCopy.copy(source, to: twin)
        try FolderMove.Move(source, to: destination).across()
        #expect(try TreeComparison.holds(RawPath(destination), RawPath(twin)) && TreeComparison.holds(RawPath(twin), RawPath(destination)))
        #expect(RawPath(destination).appending([99, 97, 102, -23]).status != nil)
        #expect(mode(destination + "/deep/a.jpg") == 0o640)
        #expect(try Folder.names(folder.path + "/in") == [] && Folder.names(folder.path + "/state") == ["toys"])
        // A file by itself, too.
        try folder.write("log", to: "in/job.log")
        try FolderMove.Move(folder.path + "/in/job.log", to: folder.path + "/state/job.log").across()
        #expect(try folder.read("state/job.log") == "log")
        #expect(try Folder.names(folder.path + "/in") == [])
    }

    /// Broken off when the copy had its name: what is left of the source goes only where all of it has arrived, and what was changed at
    /// the last moment is copied anew.
    @Test(arguments: ["untouched", "removal begun", "changed", "something came", "its copy is gone", "renamed"], [".toys.leaving", "toys"])
    func sourcesThatHaveNotGone(_ what: String, _ name: String) throws {
        let folder = try TemporaryFolder(), source = folder.path + "/in/toys", destination = folder.path + "/state/toys", rest = "in/" + name
        for name in [rest + "/deep/a.jpg", rest + "/b.jpg", "state/toys/deep/a.jpg", "state/toys/b.jpg"] { try folder.write("photo", to: name) }
        try folder.write(source + "\n", to: "state/.toys.moved")
        switch what {
        case "removal begun":
            unlink(folder.path + "/\(rest)/deep/a.jpg")
            // A share keeps a file that somebody has open.
            try folder.write("photo", to: rest + "/deep/.nfs0001")
        case "changed": try folder.write("other", to: rest + "/b.jpg")
        case "something came": try folder.write("late", to: rest + "/c.jpg")
        case "its copy is gone": try Directory.removeTree(destination)
        case "renamed": rename(folder.path + "/\(rest)/b.jpg", folder.path + "/\(rest)/c.jpg")
        default: break
        }
        #expect(try FolderMove.isUnfinished(at: destination))
        // What an earlier move of the same has left.
        if name == "toys", what == "untouched" { try folder.write("photo", to: "in/.toys.leaving/b.jpg") }
        let isHidden = name != "toys", mayBeRemoved = ["untouched", "removal begun"].contains(what)
        if isHidden { #expect(try FolderMove.hasArrived(source, at: destination) == mayBeRemoved) }
        if what == "renamed" {
            // Both are kept until somebody says which.
            #expect { try FolderMove.move(source, to: destination) } throws: { "\($0)".contains("it is no longer what was copied to") }
            #expect(folder.exists(rest + "/c.jpg") && folder.exists("state/toys/b.jpg"))
            return
        }
        if isHidden, !mayBeRemoved {
            #expect { try FolderMove.move(source, to: destination) } throws: { "\($0)".contains("it was changed while it was copied") }
            #expect(try Folder.names(folder.path + "/in") == ["toys"] && Folder.names(folder.path + "/state") == [])
        }
        #expect(try FolderMove.move(source, to: destination) == !(isHidden && mayBeRemoved))
        #expect(try Folder.names(folder.path + "/in") == [] && Folder.names(folder.path + "/state") == ["toys"])
        #expect(try folder.read("state/toys/deep/a.jpg") == "photo" && folder.read("state/toys/b.jpg") == (what == "changed" ? "other" : "photo"))
        #expect(folder.exists("state/toys/c.jpg") == (what == "something came") && !folder.exists("state/toys/deep/.nfs0001"))
    }

    /// What an earlier call has brought a share may show late: its mark stays, and the next call finishes it. What is a stranger's gets none.
    @Test(arguments: [true, false]) func whatAShareShowsLateIsFinished(_ isOurs: Bool) throws {
        let folder = try TemporaryFolder(), source = folder.path + "/in/toys", destination = folder.path + "/state/toys"
        for name in ["in/toys/a.jpg", "state/toys/a.jpg"] { try folder.write("photo", to: name) }
        if isOurs { try folder.write(source + "\n", to: "state/.toys.moved") }
        #expect(throws: FileError.self) { try FolderMove.Move(source, to: destination).across() }
        #expect(try FolderMove.isUnfinished(at: destination) == isOurs && !folder.exists("state/.toys.copy"))
        if isOurs { #expect(try FolderMove.move(source, to: destination)) } else { #expect(throws: FileError.self) { try FolderMove.move(source, to: destination) } }
        #expect(try Folder.names(folder.path + "/in") == (isOurs ? [] : ["toys"]) && Folder.names(folder.path + "/state") == ["toys"])
        for code in [EIO, ETIMEDOUT, ESTALE, EINTR, EREMOTEIO, ECONNRESET] { #expect(!FileError.isRefusal(code)) }
    }

    /// Files of the kernel's say that they have 4096 bytes.
    private static let short = "/sys/devices/system/cpu/possible"

    /// What ends before its size is no copy.
    @Test(.enabled(if: Folder.isFile(short))) func aFileThatEndsEarlyIsNotCopied() throws {
        let folder = try TemporaryFolder()
        #expect { try TreeCopy.copy(Self.short, to: folder.path + "/copy") } throws: { "\($0)".contains("it became shorter while it was copied") }
    }

    /// A path that cannot be looked at is no sign that nothing is there.
    @Test func whatCannotBeLookedAt() throws {
        let folder = try TemporaryFolder(), long = folder.path + "/" + String(repeating: "x", count: 300), circle = folder.path + "/circle/x"
        symlink("circle", folder.path + "/circle")
        #expect(throws: FileError.self) { try Folder.kind(circle) }
        #expect(throws: FileError.self) { try Directory.removeTree(circle) }
        #expect(throws: FileError.self) { try Directory.obstacle(toRemoving: circle) }
        #expect(throws: FileError.self) { try FolderMove.move(circle, to: folder.path + "/to") }
        #expect(!Directory.renameWithoutReplacing(folder.path, circle) && errno == ELOOP)
        #expect(try Folder.kind(folder.path + "/nothing") == nil && Folder.kind(folder.path) == .directory && Folder.kind(folder.path + "/circle") == .other)
        #expect(try !Folder.isThere(folder.path + "/nothing/deeper"))
        // A name that cannot be is no name of anything; to rename to it fails all the same.
        #expect(try !Folder.isThere(long))
        #expect(!Directory.renameWithoutReplacing(folder.path, long) && errno == ENAMETOOLONG)
    }

    /// Copied with a umask of 022 by somebody else: a copy of it could be made, but it could not be taken away.
    @Test(.enabled(if: geteuid() == 0, "only root can be somebody else")) func whatCannotBeRemovedIsKnownBefore() throws {
        let folder = try TemporaryFolder(), root = folder.path + "/toys"
        try folder.write("photo", to: "toys/deep/a.jpg")
        func obstacle(_ mode: mode_t, deep: mode_t) throws -> String? {
            try #require(chmod(root, mode) == 0 && chmod(root + "/deep", deep) == 0)
            try #require(seteuid(65534) == 0)
            defer { seteuid(0) }
            return try Directory.obstacle(toRemoving: root)
        }
        try #require(chmod(folder.path, 0o755) == 0)
        #expect(try obstacle(0o755, deep: 0o777) == root)
        #expect(try obstacle(0o777, deep: 0o755) == root + "/deep")
        #expect(try obstacle(0o777, deep: 0o1777) == root + "/deep")
        #expect(try obstacle(0o777, deep: 0o777) == nil)
        #expect(try Directory.obstacle(toRemoving: root) == nil)
    }

    /// A camera's clock, or a share's word for "never".
    @Test(arguments: [Int.max / 1_000_000_000 + 1_000_000, -9_300_000_000]) func filesOfAnotherMillenniumMoveAcross(_ time: Int) throws {
        let folder = try TemporaryFolder()
        try folder.write("photo", to: "in/toys/a.jpg")
        var times = [timespec(tv_sec: time, tv_nsec: 1), timespec(tv_sec: time, tv_nsec: 2)]
        try #require(utimensat(AT_FDCWD, folder.path + "/in/toys/a.jpg", &times, 0) == 0)
        try Directory.create(folder.path + "/state")
        try FolderMove.Move(folder.path + "/in/toys", to: folder.path + "/state/toys").across()
        #expect(try Folder.names(folder.path + "/state/toys") == ["a.jpg"])
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/shm"), "most file systems have no files as large")) func sizesHaveAnEnd() throws {
        let folder = "/dev/shm/segmix-test-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Directory.create(folder)
        for (name, size) in [("a", 7), ("b", Int.max - 9), ("c", 3)] {
            _ = FileManager.default.createFile(atPath: folder + "/" + name, contents: nil)
            try #require(truncate(folder + "/" + name, size) == 0)
            #expect(try FolderSnapshot(of: folder).size == (name == "a" ? 7 : name == "b" ? .max - 2 : .max))
        }
    }

    /// Nothing that somebody has dropped by mistake keeps a folder from being put where it belongs.
    @Test func pipesAndLongNamesMoveAcrossToo() throws {
        let folder = try TemporaryFolder(), name = String(repeating: "n", count: 250)
        let (source, destination) = (folder.path + "/in/" + name, folder.path + "/state/" + name)
        for path in [source, folder.path + "/state"] { try Directory.create(path) }
        try #require(mkfifo(source + "/pipe", 0o600) == 0)
        let twin = folder.path + "/twin"
        try TreeCopy.copy(source, to: twin)
        #expect(try TreeComparison.holds(RawPath(source), RawPath(twin)) && TreeComparison.holds(RawPath(twin), RawPath(source)))
        try FolderMove.Move(source, to: destination).across()
        var status = stat()
        #expect(lstat(destination + "/pipe", &status) == 0 && status.st_mode & S_IFMT == S_IFIFO)
        #expect(try Folder.names(folder.path + "/in") == [] && Folder.names(folder.path + "/state") == [name])
    }

    /// Somebody puts links in the place of folders while a tree is walked.
    @Test func aWalkStaysInItsTree() throws {
        let folder = try TemporaryFolder(), path = folder.path
        try folder.write("photo", to: "toys/deep/a.jpg")
        try folder.write("secret", to: "elsewhere/b.txt")
        let toys = try FolderEntry(path + "/toys").opened(), deep = toys.entry(Array("deep".utf8CString)), inner = try deep.opened()
        try #require(rename(path + "/toys", path + "/away") == 0 && symlink(path + "/elsewhere", path + "/toys") == 0)
        #expect(try inner.entries().map(\.path.text) == [path + "/toys/deep/a.jpg"] && deep.status.map { $0.st_mode & S_IFMT } == S_IFDIR)
        try #require(rename(path + "/away/deep", path + "/away/other") == 0 && symlink(path + "/elsewhere", path + "/away/deep") == 0)
        #expect(deep.status.map { $0.st_mode & S_IFMT } == S_IFLNK)
        #expect(throws: FileError.self) { try deep.opened() }
        #expect(throws: FileError.self) { try FolderEntry(path + "/toys").opened() }
        try Directory.removeTree(path + "/away")
        try Directory.removeTree(path + "/toys")
        #expect(try Folder.names(path) == ["elsewhere"] && folder.read("elsewhere/b.txt") == "secret")
    }

    @Test func onlyFilesAndFoldersAreLeft() throws {
        let folder = try TemporaryFolder(), path = folder.path
        try folder.write("photo", to: "toys/deep/a.jpg")
        try folder.write("secret", to: "elsewhere/b.txt")
        try #require(symlink(path + "/elsewhere", path + "/toys/samples") == 0 && symlink(path + "/elsewhere/b.txt", path + "/toys/deep/b.txt") == 0)
        try #require(mkfifo(path + "/toys/deep/pipe", 0o600) == 0 && symlink(path + "/elsewhere", path + "/link") == 0)
        for name in ["toys", "link", "nowhere"] { try Directory.removeAllButFiles(in: path + "/" + name) }
        #expect(try Folder.names(path).sorted() == ["elsewhere", "toys"] && Folder.names(path + "/toys") == ["deep"])
        #expect(try Folder.names(path + "/toys/deep") == ["a.jpg"] && folder.read("elsewhere/b.txt") == "secret")
    }

    /// A copy that found no place takes none from others; what it was made of stays.
    @Test func aCopyThatCannotBeFinishedIsRemoved() throws {
        let folder = try TemporaryFolder(), name = String(repeating: "n", count: 200)
        try folder.write("photo", to: "in/toys/a.jpg")
        try folder.write("deep", to: "in/toys/\(name)/\(name)/\(name)/\(name)/b.jpg")
        // Its deepest paths would be longer than a path may be.
        let state = folder.path + String(repeating: "/" + name, count: 17)
        try Directory.create(state)
        #expect(throws: FileError.self) { try FolderMove.Move(folder.path + "/in/toys", to: state + "/toys").across() }
        #expect(try Folder.names(state) == [] && Folder.exists(folder.path + "/in/toys/a.jpg"))
    }

    /// The daemon is another user, and moving a folder takes the right to write in it.
    @Test func theGroupMayMoveWhatIsSubmitted() throws {
        let folder = try TemporaryFolder()
        try folder.write("photo", to: "toys/deep/a.jpg")
        try Directory.create(folder.path + "/inbox")
        try #require(chmod(folder.path + "/toys/deep/a.jpg", 0o600) == 0 && chmod(folder.path + "/toys", 0o755) == 0)
        #expect(try Submission.submit(folder.path + "/toys", to: folder.path + "/inbox", as: "toys") == "toys")
        #expect(mode(folder.path + "/inbox/toys") == 0o775 && mode(folder.path + "/inbox/toys/deep/a.jpg") == 0o660 && mode(folder.path + "/toys") == 0o755)
        // Whatever the umask of who submits.
        let before = umask(0o077)
        defer { umask(before) }
        #expect(try Submission.submit(folder.path + "/toys", to: folder.path + "/inbox", as: "others") == "others")
        #expect(mode(folder.path + "/inbox/others") == 0o775 && mode(folder.path + "/inbox/others/.ready") == 0o664)
    }

    /// A day later, by the clock of the inbox's own file system; where that keeps no times, never.
    @Test func copiesThatWereBrokenOffAreRemoved() throws {
        let folder = try TemporaryFolder(), left = "inbox/.toys.7.submitted"
        try folder.write("photo", to: left + "/a.jpg")
        let made = try #require(RawPath(folder.path + "/" + left).status).st_ctim.tv_sec
        for now in [0, made - 90_000, made + 86_300] { Submission.removeLeftovers(in: folder.path + "/inbox", now: now) }
        #expect(folder.exists(left + "/a.jpg"))
        Submission.removeLeftovers(in: folder.path + "/inbox", now: made + 86_500)
        #expect(!folder.exists(left))
    }

    /// A share has renamed what was submitted, and says that it has not.
    @Test func whatHasAppearedIsSubmitted() throws {
        let folder = try TemporaryFolder(), inbox = folder.path + "/inbox", hidden = inbox + "/.toys.7.submitted"
        try folder.write("photo", to: "inbox/.toys.7.submitted/a.jpg")
        #expect(try !Submission.hasAppeared(hidden, as: "toys"))
        try #require(rename(hidden, inbox + "/toys") == 0)
        #expect(try Submission.hasAppeared(hidden, as: "toys") && !Submission.hasAppeared(hidden, as: "toys-2"))
        #expect(throws: FileError.self) { try Submission.hasAppeared(folder.path + "/away/.toys.7.submitted", as: "toys") }
    }

    /// The marks of a folder are not those of its copy, least of all what they lead to.
    @Test func marksAreNotSubmitted() throws {
        let folder = try TemporaryFolder(), path = folder.path
        try folder.write("key", to: "key")
        try folder.write("photo", to: "toys/a.jpg")
        try folder.write("", to: "toys/.lock")
        try #require(chmod(path + "/key", 0o600) == 0 && symlink(path + "/key", path + "/toys/.ready") == 0)
        try Directory.create(path + "/inbox")
        #expect(try Submission.submit(path + "/toys", to: path + "/inbox", as: "toys") == "toys")
        #expect(try Folder.names(path + "/inbox/toys").sorted() == [".ready", "a.jpg"] && Folder.isFile(path + "/inbox/toys/.ready"))
        #expect(mode(path + "/key") == 0o600 && Folder.exists(path + "/toys/.lock"))
    }

    /// A folder that comes back with its fault is to be mended by who dropped it.
    @Test(.enabled(if: geteuid() == 0, "only root can be somebody else")) func aCopyOfSomebodyElsesIsForTheGroup() throws {
        let folder = try TemporaryFolder()
        for (path, owner, mode) in [("a/job.yaml", 65534, 0o644), ("a/deep/photo.jpg", 65534, 0o444), ("a/own.jpg", 0, 0o644)] as [(String, uid_t, mode_t)] {
            try folder.write("photo", to: path)
            try #require(chmod(folder.path + "/" + path, mode) == 0 && chown(folder.path + "/" + path, owner, 65534) == 0)
        }
        try #require(chown(folder.path + "/a/deep", 65534, 65534) == 0 && chmod(folder.path + "/a/deep", 0o2755) == 0)
        try TreeCopy.copy(folder.path + "/a", to: folder.path + "/b")
        let modes = ["job.yaml", "deep", "deep/photo.jpg", "own.jpg"].map { mode(folder.path + "/b/" + $0, 0o7777) }
        #expect(modes == [0o664, 0o2775, 0o444, 0o644])
    }

    @Test func movingAcrossBrokenOffAfterTheCopy() throws {
        let folder = try TemporaryFolder()
        try folder.write("photo", to: "in/toys/a.jpg")
        try Directory.create(folder.path + "/state")
        let (source, destination) = (folder.path + "/in/toys", folder.path + "/state/toys")
        try TreeCopy.copy(source, to: destination)
        // Without the mark it is somebody else's folder.
        #expect(throws: FileError.self) { try FolderMove.move(source, to: destination) }
        try folder.write("", to: "state/.toys.moved")
        #expect(try FolderMove.move(source, to: destination))
        #expect(!folder.exists("in/toys") && folder.exists("state/toys/a.jpg") && !folder.exists("state/.toys.moved"))
        // All is done: nothing happens.
        #expect(try !FolderMove.move(source, to: destination))
        // A share keeps times and permissions less exactly, or not at all.
        try folder.write("photo", to: "in/toys/a.jpg")
        try folder.write("", to: "state/.toys.moved")
        chmod(source + "/a.jpg", 0o600)
        utimes(source + "/a.jpg", [timeval(tv_sec: 7, tv_usec: 0), timeval(tv_sec: 7, tv_usec: 0)])
        #expect(try FolderMove.move(source, to: destination) && !folder.exists("in/toys"))
        // Changed before it had its last, hidden name, and be it as long as it was: copied anew.
        for text in ["photO", "another photo"] {
            try folder.write(text, to: "in/toys/a.jpg")
            try folder.write("", to: "state/.toys.moved")
            #expect(try FolderMove.move(source, to: destination) && folder.read("state/toys/a.jpg") == text && !folder.exists("in/toys"))
        }
    }

    @Test func movingNeverReplaces() throws {
        let folder = try TemporaryFolder()
        try folder.write("1", to: "a/x")
        try folder.write("2", to: "b/x")
        #expect(throws: FileError.self) { try FolderMove.move(folder.path + "/a", to: folder.path + "/b") }
        #expect(try folder.read("a/x") == "1" && folder.read("b/x") == "2")
    }

    @Test func snapshotsSeeEveryChange() throws {
        let folder = try TemporaryFolder()
        try folder.write("1", to: "t/a")
        var last = try FolderSnapshot(of: folder.path + "/t")
        func expectChange(_ what: String) throws {
            let now = try FolderSnapshot(of: folder.path + "/t")
            #expect(now != last, "\(what)")
            last = now
        }
        #expect(try FolderSnapshot(of: folder.path + "/t") == last)
        try folder.write("22", to: "t/a")
        try expectChange("size")
        try folder.write("1", to: "t/deep/b")
        try expectChange("a new file in a new folder")
        rename(folder.path + "/t/deep/b", folder.path + "/t/deep/c")
        try expectChange("a new name")
        utimes(folder.path + "/t/a", [timeval(tv_sec: 1, tv_usec: 0), timeval(tv_sec: 1, tv_usec: 0)])
        try expectChange("another time")
        try FileManager.default.removeItem(atPath: folder.path + "/t/a")
        try expectChange("removal")
    }
}
