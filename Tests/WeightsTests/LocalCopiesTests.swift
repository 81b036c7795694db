import Files
import Foundation
import TestFolders
import Testing
@testable import Weights

/// Models on other machines: copied once, whole, bounded; the original where there is no way.
@Suite(.serialized) struct LocalCopiesTests {
    private func copies(_ folder: TemporaryFolder, limit: Int = 1 << 20, reserve: Int = 0) -> LocalCopies {
        LocalCopies(directory: folder.file("made/copies"), limit: limit, reserve: reserve) { $0.contains("/share") }
    }

    private func write(_ folder: TemporaryFolder, _ name: String, _ count: Int, _ byte: UInt8 = 7) throws -> String {
        let path = folder.file(name)
        try Data(repeating: byte, count: count).write(to: URL(fileURLWithPath: path))
        return path
    }

    @Test func aCopyIsMadeOnceAndFollowsItsOriginal() throws {
        let folder = try TemporaryFolder(), copies = copies(folder)
        let original = try write(folder, "share-a", 5_000_001)
        let large = LocalCopies(directory: copies.directory, limit: 8 << 20, reserve: 0, isRemote: copies.isRemote)
        let copy = try #require(try large.copy(of: original))
        #expect(try Data(contentsOf: URL(fileURLWithPath: copy)) == Data(contentsOf: URL(fileURLWithPath: original)))
        var first = stat(), second = stat()
        stat(copy, &first)
        #expect(try large.copy(of: original) == copy)
        stat(copy, &second)
        #expect(first.st_ino == second.st_ino)
        // Another time or size is another file, and the old copy is of no more use.
        _ = try write(folder, "share-a", 3_000, 8)
        let next = try #require(try large.copy(of: original))
        #expect(next != copy && FileManager.default.contents(atPath: next) == Data(repeating: 8, count: 3_000))
        #expect(try FileManager.default.contentsOfDirectory(atPath: copies.directory).count == 1)
    }

    @Test func theLongestUnusedGoFirst() throws {
        let folder = try TemporaryFolder(), copies = copies(folder, limit: 2_500)
        let paths = try (0..<3).map { try write(folder, "share-\($0)", 1_000) }
        let first = try #require(try copies.copy(of: paths[0]))
        usleep(20_000)
        let second = try #require(try copies.copy(of: paths[1]))
        usleep(20_000)
        #expect(try copies.copy(of: paths[0]) == first)
        let third = try #require(try copies.copy(of: paths[2]))
        #expect(FileManager.default.fileExists(atPath: first) && FileManager.default.fileExists(atPath: third))
        #expect(!FileManager.default.fileExists(atPath: second))
    }

    /// Nothing is thrown away for what does not fit all the same, and what a killed copier left goes after a while.
    @Test func roomIsMadeOnlyWhereItHelps() throws {
        let folder = try TemporaryFolder(), copies = copies(folder)
        let kept = try #require(try copies.copy(of: write(folder, "share-a", 1_000)))
        for name in [".x.copy.new.1f.tmp", "y.copy.new"] {
            for (age, name) in [(0.0, name + "-young" + (name.hasSuffix("tmp") ? ".2f.tmp" : ".new")), (86_400.0, name)] {
                let path = copies.directory + "/" + name
                try Data(count: 9).write(to: URL(fileURLWithPath: path))
                try FileManager.default.setAttributes([.modificationDate: Date() - age], ofItemAtPath: path)
            }
        }
        let full = LocalCopies(directory: copies.directory, limit: 1 << 20, reserve: .max / 2, isRemote: copies.isRemote)
        #expect(try full.copy(of: write(folder, "share-b", 2_000)) == nil && FileManager.default.fileExists(atPath: kept))
        let names = try FileManager.default.contentsOfDirectory(atPath: copies.directory)
        #expect(names.count == 3 && names.filter { $0.contains("young") }.count == 2, "\(names)")
    }

    @Test func withoutRoomTheOriginalIsUsed() throws {
        let folder = try TemporaryFolder(), original = try write(folder, "share", 3_000)
        #expect(try copies(folder, limit: 2_999).copy(of: original) == nil)
        #expect(try copies(folder, reserve: .max / 2).copy(of: original) == nil)
        #expect(try copies(folder).copy(of: folder.file("share-absent")) == nil)
        // Nor is a copy of an earlier time used without.
        _ = try #require(try copies(folder).copy(of: original))
        #expect(try copies(folder, limit: 0).copy(of: original) == nil)
        // A file where the folder should be: nothing can be written.
        let blocked = LocalCopies(directory: original + "/copies", limit: 1 << 20, reserve: 0) { _ in true }
        #expect(try blocked.copy(of: original) == nil)
    }

    /// Another model of the same size would look the same.
    @Test func whatHasNoTimeIsNotCopied() throws {
        let folder = try TemporaryFolder(), original = try write(folder, "share", 3_000)
        for (time, isCopied) in [(0.0, false), (1.0, true)] {
            try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSince1970: time)], ofItemAtPath: original)
            #expect(try (copies(folder).copy(of: original) != nil) == isCopied)
        }
    }

    @Test(.enabled(if: HiddenFileTests.isOdd, "/sys is needed")) func aCopyThatCannotBeMappedIsRemoved() throws {
        let folder = try TemporaryFolder(), copies = copies(folder), original = try write(folder, "share", 4096)
        let copy = try #require(try copies.copy(of: original))
        try FileManager.default.removeItem(atPath: copy)
        try FileManager.default.createSymbolicLink(atPath: copy, withDestinationPath: HiddenFileTests.odd)
        LocalCopies.use(copies)
        defer { LocalCopies.use(nil) }
        let file = try MappedFile(original)
        #expect(file.withBytes { Data($0) } == Data(repeating: 7, count: 4096))
        #expect(!Folder.exists(copy))
    }

    /// Where a copy is lost the next attempt makes another.
    @Test func aCopyThatIsCutShortIsRemoved() async throws {
        let folder = NSTemporaryDirectory() + "segmix-cut-copy-\(getpid())", files = FileManager.default
        try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? files.removeItem(atPath: folder) }
        try Data(count: 100_000).write(to: URL(fileURLWithPath: folder + "/share"))
        await #expect(processExitsWith: .exitCode(74)) {
            let folder = NSTemporaryDirectory() + "segmix-cut-copy-\(getppid())"
            LocalCopies.use(LocalCopies(directory: folder + "/copies", limit: 1 << 20, reserve: 0) { _ in true })
            let file = try MappedFile(folder + "/share"), copies = try FileManager.default.contentsOfDirectory(atPath: folder + "/copies")
            try #require(copies.count == 1 && truncate(folder + "/copies/" + copies[0], 0) == 0)
            #expect(file.withBytes { $0.reduce(0) { $0 + Int($1) } } < 0, "it was read")
        }
        #expect(try files.contentsOfDirectory(atPath: folder + "/copies") == [])
    }

    @Test func aCopyThatIsWrittenToIsNamedAndRemoved() throws {
        let folder = try TemporaryFolder(), copies = copies(folder), original = try write(folder, "share", 3_000)
        LocalCopies.use(copies)
        defer { LocalCopies.use(nil) }
        let file = try MappedFile(original), copy = try #require(try copies.copy(of: original))
        try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSince1970: 1)], ofItemAtPath: copy)
        let said = try #require(sentence { try MappedFiles.requireUnchanged() })
        #expect(said.hasPrefix("Cannot read \(copy): another program wrote to it") && said.contains("copy of \(original)"), "\(said)")
        #expect(!Folder.exists(copy))
        withExtendedLifetime(file) {}
    }

    @Test func tensorsComeFromTheCopy() throws {
        let folder = try TemporaryFolder(), remote = folder.file("share.safetensors"), local = folder.file("local.safetensors")
        for path in [remote, local] { try FileManager.default.copyItem(atPath: golden("reference.safetensors"), toPath: path) }
        LocalCopies.use(copies(folder, limit: 1 << 30))
        defer { LocalCopies.use(nil) }
        let file = try SafetensorsFile(remote)
        // Another job that uses the same copy does not look like somebody who writes to it.
        usleep(20_000)
        _ = try SafetensorsFile(remote)
        try MappedFiles.requireUnchanged()
        // Emptied: nobody could read the original any more.
        #expect(truncate(remote, 0) == 0)
        let other = try SafetensorsFile(local)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("made/copies")).count == 1, "what lies here is not copied")
        for entry in file.entries {
            let bytes = file.withBytes(of: entry) { Data($0) }
            #expect(bytes == other.withBytes(of: other[entry.name]!) { Data($0) })
        }
        try MappedFiles.requireUnchanged()
        #expect(file.path == remote)
        #expect(try #require(sentence { _ = try SafetensorsFile(folder.file("share-absent")) }).contains("share-absent"))
    }

    /// Nobody makes copies in the directory of somebody else.
    @Test(.enabled(if: geteuid() == 0, "root is needed")) func thereAreNoCopiesAmongThoseOfOthers() throws {
        let folder = try TemporaryFolder(), copies = copies(folder), original = try write(folder, "share-a", 100), made = folder.file("made")
        try FileManager.default.createDirectory(atPath: made, withIntermediateDirectories: true)
        try #require(chown(made, 1, 1) == 0)
        #expect(try copies.copy(of: original) == nil && FileManager.default.contentsOfDirectory(atPath: made) == [])
        try #require(chown(made, 0, 0) == 0)
        #expect(try copies.copy(of: original) != nil)
    }

    private static let canMount = geteuid() == 0 && access("/dev/fuse", R_OK | W_OK) == 0 && access("/usr/bin/bindfs", X_OK) == 0

    /// A mount of another file system stands in for a share.
    @Test(.enabled(if: canMount, "bindfs and root are needed")) func aMountIsKnownByItself() throws {
        func starting(_ words: String...) throws -> Process {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = words
            process.standardError = FileHandle.nullDevice
            try process.run()
            return process
        }
        let folder = try TemporaryFolder(), files = FileManager.default
        for name in ["real", "share"] { try files.createDirectory(atPath: folder.file(name), withIntermediateDirectories: false) }
        try files.copyItem(atPath: golden("reference.safetensors"), toPath: folder.file("real/model.safetensors"))
        // In the foreground: a daemon would hold on to what `Process` waits for.
        let mount = try starting("bindfs", "-f", "--no-allow-other", folder.file("real"), folder.file("share"))
        defer { mount.terminate() }
        for _ in 0..<500 where mount.isRunning && !files.fileExists(atPath: folder.file("share/model.safetensors")) { usleep(20_000) }
        try #require(files.fileExists(atPath: folder.file("share/model.safetensors")))
        LocalCopies.use(LocalCopies(directory: folder.file("copies"), limit: 1 << 30, reserve: 0))
        defer { LocalCopies.use(nil) }
        _ = try SafetensorsFile(folder.file("real/model.safetensors"))
        #expect(!files.fileExists(atPath: folder.file("copies")))
        let file = try SafetensorsFile(folder.file("share/model.safetensors"))
        #expect(try files.contentsOfDirectory(atPath: folder.file("copies")).count == 1)
        // The share goes away: nobody notices.
        let end = try starting("umount", "-l", folder.file("share"))
        end.waitUntilExit()
        #expect(end.terminationStatus == 0)
        for entry in file.entries { file.withBytes(of: entry) { _ = Data($0) } }
        try MappedFiles.requireUnchanged()
    }

    @Test func aFileThatIsWrittenToIsFound() throws {
        let folder = try TemporaryFolder(), path = folder.file("model.safetensors")
        try FileManager.default.copyItem(atPath: golden("reference.safetensors"), toPath: path)
        var file: SafetensorsFile? = try SafetensorsFile(path)
        try MappedFiles.requireUnchanged()
        // Replaced by name: what is mapped stays what it was.
        #expect(rename(path, path + ".old") == 0)
        try Data("new".utf8).write(to: URL(fileURLWithPath: path))
        try MappedFiles.requireUnchanged()
        usleep(20_000)
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path + ".old"))
        try handle.seek(toOffset: 200)
        try handle.write(contentsOf: Data([1]))
        try handle.close()
        let said = try #require(sentence { try MappedFiles.requireUnchanged() })
        #expect(said.contains(path) && said.contains("another program wrote to it"))
        withExtendedLifetime(file) {}
        file = nil
        try MappedFiles.requireUnchanged()
    }
}
