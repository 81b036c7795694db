import Crypto
import Files
import Foundation
import Tensors
import Weights

/// The state of a run after an optimizer step: adapters, both moments, the step. One safetensors file with a SHA-256 of
/// its tensors; all randomness is a function of the step, so nothing else is needed to go on bit for bit.
struct ResumePoint {
    let directory: String

    /// What must be equal for a run to go on: setting → value.
    typealias Fingerprint = [String: String]

    private func path(_ step: Int) -> String { directory + String(format: "/step-%06d.safetensors", step) }

    /// Steps of the files that are there, newest first.
    private func steps() -> [Int] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.compactMap { name -> Int? in
            guard name.hasPrefix("step-"), name.hasSuffix(".safetensors") else { return nil }
            return Int(name.dropFirst(5).dropLast(12))
        }.sorted(by: >)
    }

    var exists: Bool { !steps().isEmpty }

    /// Writes the state after `step` steps and removes the oldest files beyond `limit`.
    func save(step: Int, _ optimizer: AdamW, _ fingerprint: Fingerprint, keeping limit: Int) throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        var writer = SafetensorsWriter(metadata: [
            "step": String(step), "fingerprint": Self.encoded(fingerprint), "sha256": Self.hash(step, optimizer),
        ])
        for (i, (name, parameter)) in optimizer.parameters.enumerated() {
            writer.add(name, parameter.value)
            writer.add("first." + name, optimizer.first[i])
            writer.add("second." + name, optimizer.second[i])
        }
        try writer.write(to: path(step))
        for old in steps().dropFirst(max(1, limit)) { try FileManager.default.removeItem(atPath: path(old)) }
    }

    /// Fills the optimizer from the newest file that verifies and gives its step; nil where there is none.
    /// `skipped` is told of every file that does not verify.
    func restore(_ optimizer: AdamW, _ fingerprint: Fingerprint, skipped: (String) -> Void) throws -> Int? {
        for step in steps() {
            guard let file = try? SafetensorsFile(path(step)), file.metadata["step"] == String(step),
                let was = file.metadata["fingerprint"].flatMap(Self.decoded), let wanted = file.metadata["sha256"]
            else {
                skipped(path(step))
                continue
            }
            for key in Set(was.keys).union(fingerprint.keys).sorted() where was[key] != fingerprint[key] {
                throw TrainingError.otherRun(path: path(step), key: key, was: was[key] ?? "unset", isNow: fingerprint[key] ?? "unset")
            }
            guard fill(optimizer, from: file), Self.hash(step, optimizer) == wanted else {
                skipped(path(step))
                continue
            }
            return step
        }
        return nil
    }

    private func fill(_ optimizer: AdamW, from file: SafetensorsFile) -> Bool {
        var parts: [(Tensor, Tensor)] = []
        for (i, (name, parameter)) in optimizer.parameters.enumerated() {
            for (key, target) in [(name, parameter.value), ("first." + name, optimizer.first[i]), ("second." + name, optimizer.second[i])] {
                guard let source = try? file.tensor(key), source.shape == target.shape, source.type == .float32 else { return false }
                parts.append((source, target))
            }
        }
        for (source, target) in parts { target.floats.update(from: source.floats, count: target.count) }
        return true
    }

    private static func hash(_ step: Int, _ optimizer: AdamW) -> String {
        var hash = SHA256()
        hash.update(data: Data("step \(step)".utf8))
        for (i, (name, parameter)) in optimizer.parameters.enumerated() {
            hash.update(data: Data(name.utf8))
            for tensor in [parameter.value, optimizer.first[i], optimizer.second[i]] {
                hash.update(bufferPointer: UnsafeRawBufferPointer(start: tensor.storage.pointer, count: tensor.count * 4))
            }
        }
        return hash.finalize().map { String(format: "%02x", $0) }.joined()
    }

    private static func encoded(_ fingerprint: Fingerprint) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return String(decoding: (try? encoder.encode(fingerprint)) ?? Data(), as: UTF8.self)
    }

    private static func decoded(_ text: String) -> Fingerprint? { try? JSONDecoder().decode(Fingerprint.self, from: Data(text.utf8)) }
}
