import Files
import Foundation
import Training

/// `metrics.jsonl`: one line per optimizer step. A run that goes on after step n first drops what was written beyond it.
final class MetricsFile {
    private let path: String
    private var handle: FileHandle?

    init(_ path: String) { self.path = path }

    /// Keeps the lines of steps 1…`step`, each once, and what comes after them goes.
    func begin(after step: Int) throws {
        var kept = ""
        if step > 0 {
            for line in try lines() where (Self.object(line)?["step"] as? Int).map({ $0 <= step }) ?? false { kept += line + "\n" }
        }
        try AtomicFile.write(kept, to: path)
        guard let file = FileHandle(forWritingAtPath: path) else { throw FileError("write", path, code: errno) }
        try file.seekToEnd()
        handle = file
    }

    func append(_ record: StepRecord) throws {
        func number(_ v: Double) -> String { String(format: "%.9g", v) }
        var fields = [
            "\"step\":\(record.step)", "\"loss\":\(number(record.loss))", "\"instance_loss\":\(number(record.instanceLoss))",
        ]
        if let prior = record.priorLoss { fields.append("\"prior_loss\":\(number(prior))") }
        fields += [
            "\"lr\":\(number(record.learningRate))", "\"grad_norm\":\(number(record.gradientNorm))",
            "\"composites\":\(record.composites)", "\"examples\":\(record.examples)", "\"seconds\":\(number(record.times.total))",
            "\"parts\":{" + StepTimes.Part.allCases.map { "\"\($0)\":\(number(record.times[$0]))" }.joined(separator: ",") + "}",
        ]
        try handle?.write(contentsOf: Data(("{" + fields.joined(separator: ",") + "}\n").utf8))
    }

    /// Brings what was appended to the disk.
    func flush() throws { try handle?.synchronize() }

    /// `(step, loss)` of every line.
    func losses() throws -> [(step: Int, loss: Double)] {
        try objects().compactMap { object in
            guard let step = object["step"] as? Int, let loss = object["loss"] as? Double else { return nil }
            return (step, loss)
        }
    }

    /// Seconds, composites and examples of all lines together.
    func totals() throws -> (seconds: Double, composites: Int, examples: Int) {
        try objects().reduce(into: (0.0, 0, 0)) { sum, object in
            sum.0 += (object["seconds"] as? NSNumber)?.doubleValue ?? 0
            sum.1 += (object["composites"] as? NSNumber)?.intValue ?? 0
            sum.2 += (object["examples"] as? NSNumber)?.intValue ?? 0
        }
    }

    /// Of every line, one after the other.
    private func objects() throws -> some Sequence<[String: Any]> { try lines().lazy.compactMap(Self.object) }

    /// None where there is no file.
    /// - Throws: `FileError` where it cannot be read.
    private func lines() throws(FileError) -> [Substring] {
        String(decoding: try Folder.contents(of: path, limit: .max) ?? [], as: UTF8.self).split(separator: "\n")
    }

    private static func object(_ line: Substring) -> [String: Any]? { try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] }
}
