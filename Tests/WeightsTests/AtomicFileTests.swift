import Files
import Foundation
import TestFolders
import Testing

@Suite struct AtomicFileTests {
    struct Stop: Error {}

    @Test func replacesWholeAndLeavesNothingElse() throws {
        let directory = try TemporaryFolder()
        let path = directory.file("a.bin")
        try AtomicFile.write("old", to: path)
        // Pieces below, at and above the gathering size.
        let pieces = [Data([1, 2, 3]), Data(repeating: 7, count: 1 << 18), Data(repeating: 9, count: 300_001), Data([4])]
        try AtomicFile.write(to: path) { output in
            for piece in pieces { try output.write(piece) }
            #expect(output.count == pieces.reduce(0) { $0 + $1.count })
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "old", "the old file stands until the new one is whole")
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == pieces.reduce(Data(), +))
        #expect(directory.names() == ["a.bin"])
    }

    @Test func aFailureLeavesTheOldFile() throws {
        let directory = try TemporaryFolder()
        let path = directory.file("a.bin")
        try AtomicFile.write("old", to: path)
        #expect(throws: Stop.self) {
            try AtomicFile.write(to: path) { output in
                try output.write(Data(count: 1 << 20))
                throw Stop()
            }
        }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "old")
        #expect(directory.names() == ["a.bin"])
    }

    @Test func faultsNameThePathAndTheRemedy() throws {
        let directory = try TemporaryFolder()
        let nowhere = directory.file("missing/a.bin")
        let absent = try #require(sentence { try AtomicFile.write("x", to: nowhere) })
        #expect(absent.contains(nowhere) && absent.contains("No such file") && absent.contains("Create the folder first"))
        try FileManager.default.createDirectory(atPath: directory.file("taken"), withIntermediateDirectories: false)
        let taken = try #require(sentence { try AtomicFile.write("x", to: directory.file("taken")) })
        #expect(taken.contains(directory.file("taken")))
        #expect(directory.names() == ["taken"], "no temporary is left")
        let full = FileError("write", "/x", code: ENOSPC)
        #expect(full.description == "Cannot write /x: No space left on device. Free space on that disk, then run it again.")
    }

    @Test func whatAKilledProcessLeftIsRemoved() throws {
        let directory = try TemporaryFolder()
        let own = [".a.safetensors.4f1c09ab.tmp", ".a.b.c.ffffffffffffffff.tmp", ".x.0.tmp"]
        let others = ["a.tmp", ".a.tmp", ".a.safetensors.4f1cxyz.tmp", ".a.4F1C.tmp", ".a.12345678901234567.tmp", ".a.4f1c.partial", "b.4f1c.tmp"]
        for name in own + others { try Data().write(to: URL(fileURLWithPath: directory.file(name))) }
        try AtomicFile.removeLeftovers(in: directory.path)
        #expect(directory.names() == others.sorted())
    }

    @Test func foldersAreMadeWithThoseAboveThem() throws {
        let directory = try TemporaryFolder()
        try Directory.create(directory.file("a/b/c"))
        try Directory.create(directory.file("a/b/c"))
        try FileManager.default.createSymbolicLink(atPath: directory.file("link"), withDestinationPath: directory.file("a"))
        try Directory.create(directory.file("link"))
        #expect(FileManager.default.fileExists(atPath: directory.file("a/b/c")))
        try Data().write(to: URL(fileURLWithPath: directory.file("file")))
        for path in ["file", "file/below"] {
            let fault = try #require(sentence { try Directory.create(directory.file(path)) })
            #expect(fault.contains("make the folder") && fault.contains(directory.file(path)) && fault.contains("Not a directory"), "\(fault)")
        }
    }

    @Test func longNamesFit() throws {
        let directory = try TemporaryFolder()
        let name = String(repeating: "ü", count: 127)
        try AtomicFile.write("x", to: directory.file(name))
        #expect(directory.names() == [name])
    }

    /// As root a renamed file would take the place of /dev/stdout.
    @Test func whatIsNoFileIsNotReplaced() throws {
        let directory = try TemporaryFolder(), pipe = directory.file("pipe"), link = directory.file("link")
        try #require(mkfifo(pipe, 0o600) == 0)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: pipe)
        for path in [pipe, link] {
            let fault = sentence { try AtomicFile.write("x", to: path) }
            #expect(fault?.contains(path) == true && fault?.contains("Name a file") == true, "\(fault ?? "written")")
        }
        var status = stat()
        #expect(lstat(pipe, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO)
        #expect(directory.names() == ["link", "pipe"])
        // A link to a file is one that may be replaced.
        try AtomicFile.write("old", to: directory.file("file"))
        try FileManager.default.removeItem(atPath: link)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "file")
        try AtomicFile.write("new", to: link)
        #expect(try String(contentsOfFile: link, encoding: .utf8) == "new")
    }

    @Test func aDirectoryAppearsWhole() throws {
        let directory = try TemporaryFolder()
        let path = directory.file("result")
        try AtomicDirectory.build(path) { temporary in
            try FileManager.default.createDirectory(atPath: temporary + "/inner", withIntermediateDirectories: false)
            try AtomicFile.write("x", to: temporary + "/inner/a")
            try FileManager.default.createSymbolicLink(atPath: temporary + "/link", withDestinationPath: "/nowhere")
            #expect(!FileManager.default.fileExists(atPath: path))
        }
        #expect(try String(contentsOfFile: path + "/inner/a", encoding: .utf8) == "x")
        #expect(directory.names() == ["result"])
    }

    @Test func aDirectoryThatFailsOrMeetsAnotherLeavesNothing() throws {
        let directory = try TemporaryFolder()
        #expect(throws: Stop.self) { try AtomicDirectory.build(directory.file("r")) { _ in throw Stop() } }
        #expect(directory.names() == [])
        try AtomicFile.write("mine", to: directory.file("r"))
        #expect(throws: FileError.self) { try AtomicDirectory.build(directory.file("r")) { _ in } }
        // The name is taken while the directory is being filled.
        #expect(throws: FileError.self) {
            try AtomicDirectory.build(directory.file("s")) { _ in
                try FileManager.default.createDirectory(atPath: directory.file("s"), withIntermediateDirectories: false)
            }
        }
        #expect(directory.names() == ["r", "s"])
        #expect(try String(contentsOfFile: directory.file("r"), encoding: .utf8) == "mine")
    }
}
