import Foundation
import ModelGoldens
import Weights

/// A configuration, a job folder with drawn photos, and room for results; it goes with the test.
final class Workplace {
    static let model = Golden.models.path + "/odd-a"

    let path = NSTemporaryDirectory() + "segmix-pipeline-\(UUID().uuidString)"
    var job: String { path + "/toys" }
    var configuration: String { path + "/segmixd.yaml" }
    var output: String { path + "/out" }

    init(steps: Int = 4, more: String = "", model: String = model) throws {
        for folder in ["toys", "inbox", "outbox", "state"] {
            try FileManager.default.createDirectory(atPath: path + "/" + folder, withIntermediateDirectories: true)
        }
        try write("inbox: inbox\noutbox: outbox\nstate: state\nsettle_seconds: 0.2\nrescan_seconds: 1\nmin_free_space: 0\nmodels: {odd: {base: \(model)}}\n", "segmixd.yaml")
        try DrawnPhotos.write(to: job)
        try specify(steps: steps, more: more)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func specify(steps: Int, more: String = "") throws {
        try write(
            """
            model: odd
            resolution: 64
            max_train_steps: \(steps)
            gradient_accumulation_steps: 2
            rank: 2
            learning_rate: 0.003
            segmix_prob: 0.5
            seed: 5
            render: {steps: 2}
            \(more)

            """, "toys/job.yaml")
    }

    func write(_ text: String, _ name: String) throws { try write(Data(text.utf8), name) }
    func write(_ data: Data, _ name: String) throws { try data.write(to: URL(fileURLWithPath: path + "/" + name)) }
    func data(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path + "/" + name)) }
    func text(_ name: String) throws -> String { try String(contentsOfFile: path + "/" + name, encoding: .utf8) }
    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path + "/" + name) }
    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: path + "/" + name) }
    func names(_ name: String) -> [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path + "/" + name)) ?? []).sorted() }

    /// Replaces the one occurrence of a text in a file.
    func replace(_ old: String, _ new: String, in name: String) throws {
        let before = try text(name)
        precondition(before.components(separatedBy: old).count == 2, "\(name) should have “\(old)” once")
        try write(before.replacingOccurrences(of: old, with: new), name)
    }

    /// How many lines `metrics.jsonl` has.
    func stepsWritten(_ folder: String = "out") -> Int { ((try? data(folder + "/metrics.jsonl")) ?? Data()).count { $0 == 10 } }

    /// The lines of `metrics.jsonl`.
    func metrics(_ folder: String = "out") -> [[String: Any]] {
        guard let text = try? text(folder + "/metrics.jsonl") else { return [] }
        return text.split(separator: "\n").compactMap { try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
    }

    /// The job's model becomes a copy in `model`, which may be spoilt.
    func useCopyOfModel() throws {
        try FileManager.default.copyItem(atPath: Self.model, toPath: path + "/model")
        try replace(Self.model, path + "/model", in: "segmixd.yaml")
    }

    /// Makes NaN of one tensor of the copied model.
    func spoil(_ tensor: String, of part: String) throws {
        let path = path + "/model/\(part)/diffusion_pytorch_model.safetensors", file = try SafetensorsFile(path)
        var writer = SafetensorsWriter(metadata: file.metadata)
        precondition(file[tensor] != nil, "no \(tensor)")
        for entry in file.entries { writer.add(entry.name, shape: entry.shape, try file.floats(entry.name).map { entry.name == tensor ? .nan : $0 }) }
        try writer.write(to: path)
    }

    /// The job's model gets what it takes to look at pictures.
    func useLookingModels(owlv2: String = Golden.vision.path + "/owlv2-a", dinov2: String = Golden.vision.path + "/dinov2-a") throws {
        try replace("base: \(Self.model)", "base: \(Self.model), owlv2: \(owlv2), dinov2: \(dinov2)", in: "segmixd.yaml")
    }

    func check() throws -> Program.Ending { try Program.segmix.run("check", job, "--config", configuration) }

    func train(_ more: String..., to folder: String = "out") throws -> Program.Ending { try starting("train", more, to: folder).end() }
    func starting(_ command: String, _ more: [String] = [], to folder: String = "out") throws -> Program.Running {
        try Program.segmix.start([command, job, "--config", configuration, "--output", path + "/" + folder] + more)
    }
}
