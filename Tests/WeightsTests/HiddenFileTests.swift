import Files
import Foundation
import TestFolders
import Testing
@testable import Weights

/// What cannot be looked at or read for a moment is neither missing nor bad.
@Suite struct HiddenFileTests {
    /// A file that is shorter than its size, and that cannot be mapped.
    static let odd = "/sys/devices/system/cpu/online"
    static let isOdd: Bool = {
        var status = stat()
        return stat(odd, &status) == 0 && status.st_size == 4096 && (FileManager.default.contents(atPath: odd)?.count ?? 4096) < 4096
    }()

    @Test func whereAPathLeads() throws {
        let folder = try TemporaryFolder()
        try folder.write("", to: "inner/file")
        for (link, target) in [("toFile", "inner/file"), ("toFolder", "inner"), ("nowhere", "none"), ("circle", "circle")] {
            try FileManager.default.createSymbolicLink(atPath: folder.file(link), withDestinationPath: target)
        }
        let expected: [(String, Folder.Kind?)] = [
            ("inner", .directory), ("inner/file", .file), ("toFile", .file), ("toFolder", .directory), ("toFolder/file", .file), ("nowhere", nil), ("circle", nil), ("none", nil),
            ("inner/file/none", nil), (String(repeating: "n", count: 300), nil),
        ]
        for (name, kind) in expected { #expect(try Folder.destination(folder.file(name)) == kind, "\(name)") }
    }

    /// The other variant would be trained in its place.
    @Test func weightsThatCannotBeLookedAt() async {
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryFolder()
            try folder.write(Data(contentsOf: URL(fileURLWithPath: golden("reference.safetensors"))), to: "hidden/whole")
            try FileManager.default.copyItem(atPath: folder.file("hidden/whole"), toPath: folder.file("model.fp16.safetensors"))
            try FileManager.default.createSymbolicLink(atPath: folder.file("model.safetensors"), withDestinationPath: "hidden/whole")
            try #require(chmod(folder.file("hidden"), 0) == 0)
            var said: String?
            try asSomebody { said = sentence { _ = try WeightStore(directory: folder.path, baseName: "model") } }
            chmod(folder.file("hidden"), 0o700)
            #expect(said?.hasPrefix("Cannot look at \(folder.path)") == true, "\(said ?? "accepted")")
            #expect(try WeightStore(directory: folder.path, baseName: "model").files[0].path == folder.file("model.safetensors"))
        }
    }

    @Test(.enabled(if: isOdd, "/sys is needed")) func aFileThatEndsBeforeItsSize() throws {
        do throws(FileError) {
            _ = try Folder.contents(of: Self.odd, limit: 1 << 20)
            Issue.record("it was taken for a whole file")
        } catch {
            #expect(error.code == EIO && error.description.contains("\(Self.odd): it ended after"), "\(error)")
        }
    }

    @Test(.enabled(if: isOdd, "/sys is needed")) func aFileThatCannotBeMapped() throws {
        let said = try #require(sentence { _ = try SafetensorsFile(Self.odd) })
        #expect(said.hasPrefix("Cannot map \(Self.odd): its file system does not let files be mapped") && said.contains("`cache_size`"), "\(said)")
    }
}
