import Files
import Foundation
import Jobs

/// Where a run's files lie in its output directory.
public struct RunDirectory: Sendable {
    public let path: String
    /// The job's name: that of `NAME.safetensors`.
    public let name: String

    public init(_ path: String, name: String) {
        self.path = path
        self.name = name
    }

    /// What is only needed to go on after a stop; gone when the job is done.
    public var working: String { path + "/.segmixd" }
    public var resumePoints: String { working + "/resume" }
    public var metrics: String { path + "/metrics.jsonl" }
    public var samples: String { path + "/samples" }
    public var report: String { path + "/report.json" }

    /// The folder of the LoRA files after `step` steps; nil: the final ones.
    public func loraFolder(step: Int?) -> String { step.map { path + "/save-\($0)" } ?? path }
    public func diffusersFile(step: Int? = nil) -> String { loraFolder(step: step) + "/pytorch_lora_weights.safetensors" }
    public func kohyaFile(step: Int? = nil) -> String { loraFolder(step: step) + "/\(name).safetensors" }

    /// A run that was begun here and can go on.
    public var isUnfinished: Bool { Folder.exists(working) }
    /// Anything of a run, finished or not.
    public var holdsRun: Bool { isUnfinished || [metrics, report, diffusersFile()].contains { Folder.exists($0) } }

    public func create() throws {
        for folder in [path, working] {
            do {
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            } catch {
                throw FileError("make the folder", folder, code: (error as NSError).code == NSFileWriteNoPermissionError ? EACCES : EIO)
            }
        }
    }
}
