import Files
import Foundation
import TestFolders
import Testing

@testable import Jobs

/// What the input campaign has found: folders of strangers that read elsewhere, say too much, or take too long.
@Suite struct StrangeInputTests {
    private func faults(_ folder: TemporaryFolder, _ settings: [String] = []) -> [String] {
        do {
            _ = try Job.load(JobFolder(folder.path), settings: settings)
            return []
        } catch {
            return error.faults.map(\.description)
        }
    }

    /// A folder elsewhere whose contents and names nobody may hear of.
    private func elsewhere() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try folder.write("canary-text: 1\n", to: "canary.yaml")
        try folder.write("x", to: "canary-name.jpg")
        return folder
    }

    @Test func aSpecificationBehindALinkOutIsNotRead() throws {
        let folder = try makeJobFolder(), other = try elsewhere()
        try FileManager.default.removeItem(atPath: folder.path + "/job.yaml")
        symlink(other.path + "/canary.yaml", folder.path + "/job.yaml")
        #expect(faults(folder) == ["job.yaml: is a link that leaves the job's folder; copy the file itself into it"])
        // Inside the folder it may be one, and somebody may name another file.
        try folder.write("rank: 3", to: "more/real")
        unlink(folder.path + "/job.yaml")
        symlink("more/real", folder.path + "/job.yaml")
        #expect(try Job.load(JobFolder(folder.path)).specification.rank == 3)
        #expect(throws: FaultList.self) { try Job.load(JobFolder(folder.path), specificationFile: other.path + "/canary.yaml") }
    }

    @Test func aSubjectsFolderBehindALinkOutIsNotLookedAt() throws {
        let folder = try TemporaryFolder(), other = try elsewhere()
        try folder.write("x", to: "olis toy/1.png")
        try folder.write("dco_beta: 1", to: "job.yaml")
        symlink(other.path, folder.path + "/hta corgi")
        #expect(faults(folder) == ["hta corgi: is a link that leaves the job's folder; copy the folder itself into it"])
    }

    @Test func namesBehindALinkOutAreNotSuggested() throws {
        let folder = try makeJobFolder(), other = try elsewhere()
        symlink(other.path, folder.path + "/away")
        try folder.write(try folder.read("metadata.jsonl").replacing("a01.jpg", with: "away/CANARY-NAME.jpg"), to: "metadata.jsonl")
        let said = faults(folder)
        #expect(said.contains { $0.contains("is a link that leaves the job's folder") })
        #expect(!said.contains { $0.contains("canary-name") }, "\(said)")
    }

    @Test func aSubjectsPhotoWhoseNameIsNotUTF8() throws {
        let folder = try TemporaryFolder()
        for name in ["olis toy/1.png", "hta corgi/1.png"] { try folder.write("x", to: name) }
        try folder.write("dco_beta: 1", to: "job.yaml")
        let name = "caf".utf8.map { CChar($0) } + [-23] + ".jpg".utf8.map { CChar($0) }
        close(creat(RawPath(folder.path + "/hta corgi").appending(name).bytes, 0o644))
        #expect(faults(folder) == ["hta corgi/caf�.jpg: has a name that is not UTF-8, shown here with � in its place; rename the file"])
    }

    /// A name with a line end must not look like a second message, nor one with an escape change a terminal.
    @Test func aMessageIsOneLine() throws {
        let folder = try makeJobFolder()
        try folder.write(try folder.read("metadata.jsonl").replacing("a01.jpg", with: #"a\n/etc/shadow: all is lost\u001b[2J\u202egpj.jpg"#), to: "metadata.jsonl")
        try folder.write("ra\u{202e}nk: 1\n\"x\\ny\": 2\n? \(String(repeating: "k", count: 100_000))\n: 3", to: "job.yaml")
        let said = faults(folder)
        #expect(said.count >= 3)
        for line in said {
            #expect(line.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) && $0.value != 0x202E }, "\(line)")
            #expect(line.count < 1500)
        }
        #expect("a\nb\u{1b}[m\u{202e}ü".onOneLine() == #"a\nb\u{1b}[m\u{202e}ü"#)
        let long = String(repeating: "0123456789", count: 1000).onOneLine(atMost: 100)
        #expect(long.count == 100 && long.hasPrefix("0123") && long.contains("…") && long.hasSuffix("6789"))
        #expect(FileError("read", "/x/a\nb", code: ENOENT).description.hasPrefix(#"Cannot read /x/a\nb: No such file"#))
    }

    /// What would take minutes, or gigabytes, is refused in a moment.
    @Test(.timeLimit(.minutes(1))) func whatIsVeryLongIsBrief() throws {
        let folder = try makeJobFolder()
        let clock = ContinuousClock()
        func said(in limit: Duration, _ file: String, _ text: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
            let old = try folder.read(file)
            try folder.write(text, to: file)
            var said = ""
            let taken = clock.measure { do { _ = try Job.load(JobFolder(folder.path)) } catch { said = "\(error)" } }
            try folder.write(old, to: file)
            #expect(taken < limit, "\(taken)", sourceLocation: sourceLocation)
            #expect(said.utf8.count < 300_000, sourceLocation: sourceLocation)
            return said
        }
        let keys = (0..<49_000).map { "rnak\($0): 1" }.joined(separator: "\n")
        #expect(try said(in: .seconds(10), "job.yaml", keys).contains("more unknown keys"))
        #expect(try said(in: .seconds(10), "job.yaml", "? " + String(repeating: "r", count: 900_000) + "\n: 1").contains("unknown key"))
        let table = #"{"id": {"a": "olis toy", "b": "hta corgi"}}"#
        let missing = (0..<200_000).map { #"{"id": "a", "file_name": "x\#($0).jpg"}"# }.joined(separator: "\n")
        let many = try said(in: .seconds(10), "metadata.jsonl", table + "\n" + missing)
        #expect(many.contains("metadata.jsonl:2: ") && many.hasSuffix("more faults; mend these first"))
        let numbers = "[" + String(repeating: "1,", count: 8 << 20) + "1]"
        #expect(try said(in: .seconds(10), "metadata.jsonl", table + "\n" + numbers).contains("metadata.jsonl:2: is a line of 16777219 bytes; at most 1048576 are read"))
        let subjects = (0..<20_000).map { #""s\#($0)": "toy"# + "\"" }.joined(separator: ", ")
        #expect(try said(in: .seconds(10), "metadata.jsonl", #"{"id": {"# + subjects + "}}").contains("metadata.jsonl:1: the table has 20000 subjects; at most 1000 are taken"))
    }

    /// A hundred thousand of them would be as many jobs.
    @Test func specificationsHaveAnEnd() throws {
        let folder = try makeJobFolder()
        for i in 1..<100 { try folder.write("", to: "s\(i).yaml") }
        #expect(try JobFolder(folder.path).faults(hasDefaultJob: false) == [])
        try folder.write("", to: "S1.yml")
        let faults = try JobFolder(folder.path).faults(hasDefaultJob: false)
        #expect(faults.count == 1 && faults[0].description.hasSuffix("has 101 job specifications, and each is a job; leave at most 100 of them in it"), "\(faults)")
    }
}
