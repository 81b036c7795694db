import Files
import Foundation
import Images
import Jobs
import TestFolders
import Testing
import Weights

@testable import Pipeline

/// The straight line with the real programs, which a test run builds beside the tests: inbox, daemon, worker, outbox.
@Suite(.serialized) struct DemoTests {
    @Test func aDroppedFolderBecomesALoRA() throws {
        let folder = try TemporaryFolder()
        try ModelMaker(preset: .tiny).write(to: folder.path + "/model")
        var said: [String] = []
        let status = try Demo(output: folder.path + "/demo", model: Configuration.Model(base: folder.path + "/model"), steps: 2).run { said.append($0) }
        #expect(status == 0, "\(said.joined(separator: "\n"))")

        let result = "\(folder.path)/demo/outbox/\(Demo.jobName)"
        for file in ["pytorch_lora_weights.safetensors", "\(Demo.jobName).safetensors", "save-1/\(Demo.jobName).safetensors", "report.json", "job.log"] {
            #expect(Folder.exists("\(result)/\(file)"), "\(file)")
        }
        #expect(try String(contentsOfFile: result + "/metrics.jsonl", encoding: .utf8).split(separator: "\n").count == 2)
        let pictures = try Folder.names(result + "/samples").filter { $0.hasSuffix(".png") && $0 != "contact-sheet.png" }
        #expect(pictures.count { $0.hasPrefix("final") } == 2)
        for picture in pictures {
            let size = try ImageFile.readPhoto("\(result)/samples/\(picture)")
            #expect(size.width == 256 && size.height == 256)
        }
        // Two updates moved every adapter away from zero.
        let lora = try SafetensorsFile(result + "/pytorch_lora_weights.safetensors")
        let ups = lora.entries.filter { $0.name.hasSuffix("lora_B.weight") }
        #expect(!ups.isEmpty && ups.count * 2 == lora.entries.count)
        for up in ups { #expect(try lora.floats(up.name).contains { $0 != 0 }, "\(up.name)") }

        // The folder left the inbox and is kept; what was said names what is there.
        #expect(try Folder.names(folder.path + "/demo/inbox").isEmpty)
        #expect(folder.contents.contains { $0.hasPrefix("demo/state/done/") && $0.hasSuffix("\(Demo.jobName)/metadata.jsonl") })
        #expect(said.contains("The result: \(result)"))
        // What is there is nobody's to write over.
        let again = try Program.segmix.run("demo", "--output", folder.path + "/demo"), model = try Program.segmix.run("make-model", folder.path + "/model")
        #expect(again.status == 64 && again.errors.contains("\(folder.path)/demo: there is something in it already"), "\(again.status): \(again.errors)")
        #expect(model.status == 64 && model.errors.hasPrefix("\(folder.path)/model is there already"), "\(model.status): \(model.errors)")
    }

    @Test func withoutTheDaemonBesideIt() throws {
        let folder = try TemporaryFolder(), process = Process(), errors = Pipe()
        try FileManager.default.copyItem(atPath: Program.segmix.path, toPath: folder.path + "/segmix")
        process.executableURL = URL(fileURLWithPath: folder.path + "/segmix")
        process.arguments = ["demo", "--output", folder.path + "/demo"]
        process.standardError = errors
        try process.run()
        let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 69 && said.hasPrefix("\(folder.path)/segmixd: the daemon is not beside segmix"), "\(said)")
    }

    @Test func aJobThatCannotBeDoneSaysWhy() throws {
        let folder = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: folder.path + "/model", withIntermediateDirectories: true)
        var said: [String] = []
        let status = try Demo(output: folder.path + "/demo", model: Configuration.Model(base: folder.path + "/model"), steps: 2).run { said.append($0) }
        #expect(status != 0)
        #expect(said.contains { $0.hasPrefix("The job failed:") && $0.contains("model") }, "\(said.joined(separator: "\n"))")
        #expect(Folder.exists("\(folder.path)/demo/outbox/\(Demo.jobName).failed/input/metadata.jsonl"))
    }
}
