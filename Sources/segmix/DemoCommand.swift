import ArgumentParser
import Files
import Foundation
import Jobs
import Pipeline

struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Runs the main job on what the package carries, start to finish.",
        discussion: """
            Makes a fresh working folder with an inbox, an outbox, a configuration and a small model with random weights, \
            draws photos of two subjects, drops them into the inbox, lets the daemon (segmixd --drain) do its work, and says \
            what came out. The model has learned nothing, so its pictures are patterns; everything else is as with SDXL.
            """)

    @Option(help: ArgumentHelp(
        "The working folder; it must not be there yet, or be empty. Left out: segmixd-demo, or segmixd-demo-2 and so on where that is taken.",
        valueName: "directory"), completion: .directory)
    var output: String?

    @Option(help: ArgumentHelp("Train this SDXL model (a directory in diffusers layout, or a name from the configuration) instead of the small one.", valueName: "directory"), completion: .directory)
    var model: String?

    @Option(help: "The configuration file, for the names of models; the demonstration itself has one of its own.", completion: .file(extensions: ["yaml", "yml"]))
    var config = Configuration.defaultPath

    @Option(help: "Training steps.")
    var steps = 16

    func validate() throws {
        guard (1...100_000).contains(steps) else { throw ValidationError("--steps is \(steps); a number from 1 to 100000 is wanted.") }
    }

    func run() throws {
        let known = try model.map { try ConfigurationFile.read(config).models[$0] ?? Configuration.Model(base: absolute($0)) }
        let status = try Demo(output: try absolute(output ?? Self.freeName()), model: known, steps: steps).run { print($0) }
        if status != 0 { Foundation.exit(status) }
    }

    /// The first of segmixd-demo, segmixd-demo-2 … that is not there.
    private static func freeName() -> String {
        let name = "segmixd-demo"
        var candidate = name, number = 1
        while Folder.exists(candidate) {
            number += 1
            candidate = "\(name)-\(number)"
        }
        return candidate
    }
}
