import Crypto
import Files
import Foundation
import Tensors
import Weights

/// The state of a run after an optimizer step: adapters, both moments, the step. One safetensors file with a SHA-256 of
/// its tensors; all randomness is a function of the step, so nothing else is needed to go on bit for bit.
struct ResumePoint {
    let directory: String

    /// What the fingerprint is made of; files of another form are passed over.
    private static let form = "2"

    /// What must be equal for a run to go on: setting → value.
    typealias Fingerprint = [String: String]

    private func path(_ step: Int) -> String { directory + String(format: "/step-%06d.safetensors", step) }

    /// Steps of the files that are there, newest first.
    private func steps() throws(FileError) -> [Int] {
        guard try Folder.isThere(directory) else { return [] }
        return try Folder.names(directory).compactMap { name -> Int? in
            guard name.hasPrefix("step-"), name.hasSuffix(".safetensors") else { return nil }
            return Int(name.dropFirst(5).dropLast(12))
        }.sorted(by: >)
    }

    /// nil for one that is damaged, or gone.
    /// - Throws: `FileError` where it cannot be read now: it may be whole.
    private func file(_ step: Int) throws -> SafetensorsFile? {
        do { return try SafetensorsFile(path(step)) } catch {
            if error is SafetensorsError || [0, ENOENT].contains((error as? FileError)?.code) { return nil }
            throw error
        }
    }

    /// What the newest file says that its run was, whether its tensors are whole or not; nil where there is none.
    func knownFingerprint() throws -> Fingerprint? {
        for step in try steps() {
            if let known = try file(step)?.metadata["fingerprint"].flatMap(Self.decoded) { return known }
        }
        return nil
    }

    /// Writes the state after `step` steps and removes those of later steps, and the oldest beyond `limit`.
    func save(step: Int, _ optimizer: AdamW, _ fingerprint: Fingerprint, keeping limit: Int) throws {
        try Directory.create(directory)
        let print = Self.encoded(fingerprint)
        var writer = SafetensorsWriter(metadata: [
            "resume_point": Self.form, "step": String(step), "fingerprint": print, "fingerprint_sha256": Self.hash(print),
            "sha256": Self.hash(step, Self.tensors(of: optimizer)),
        ])
        for (name, tensor) in Self.tensors(of: optimizer) { writer.add(name, tensor) }
        try writer.write(to: path(step))
        // What lies beyond this step was passed over, and would be newer for ever.
        let all = try steps()
        for old in all.filter({ $0 > step }) + all.filter({ $0 <= step }).dropFirst(max(1, limit)) { try FileManager.default.removeItem(atPath: path(old)) }
    }

    /// Fills the optimizer from the newest file that verifies and gives its step; nil where there is none.
    /// `skipped` is told of every file that does not verify.
    func restore(_ optimizer: AdamW, _ fingerprint: Fingerprint, skipped: (String) -> Void) throws -> Int? {
        for step in try steps() {
            guard let file = try file(step), file.metadata["resume_point"] == Self.form, file.metadata["step"] == String(step),
                let print = file.metadata["fingerprint"], file.metadata["fingerprint_sha256"] == Self.hash(print),
                let was = Self.decoded(print), let wanted = file.metadata["sha256"]
            else {
                skipped(path(step))
                continue
            }
            try TrainingError.requireSame(was, fingerprint, path: path(step))
            guard let saved = Self.tensors(of: optimizer, in: file), Self.hash(step, saved) == wanted else {
                skipped(path(step))
                continue
            }
            for (source, target) in zip(saved, Self.tensors(of: optimizer)) {
                target.tensor.floats.update(from: source.tensor.floats, count: target.tensor.count)
            }
            return step
        }
        return nil
    }

    private typealias Named = (name: String, tensor: Tensor)

    /// Everything that is saved, in its order.
    private static func tensors(of optimizer: AdamW) -> [Named] {
        optimizer.parameters.enumerated().flatMap { i, p in
            [(p.name, p.parameter.value), ("first." + p.name, optimizer.first[i]), ("second." + p.name, optimizer.second[i])]
        }
    }

    /// The same as a file has it; nil where something is missing or has another shape or type.
    private static func tensors(of optimizer: AdamW, in file: SafetensorsFile) -> [Named]? {
        var found: [Named] = []
        for (name, target) in tensors(of: optimizer) {
            guard let source = try? file.tensor(name), source.shape == target.shape, source.type == .float32 else { return nil }
            found.append((name, source))
        }
        return found
    }

    private static func hash(_ step: Int, _ tensors: [Named]) -> String {
        var hash = SHA256()
        hash.update(data: Data("step \(step)".utf8))
        for (name, tensor) in tensors {
            hash.update(data: Data(name.utf8))
            hash.update(bufferPointer: UnsafeRawBufferPointer(start: tensor.storage.pointer, count: tensor.count * 4))
        }
        return hexadecimal(hash.finalize())
    }

    /// Of its own, so that a damaged fingerprint is not taken for another run's.
    private static func hash(_ fingerprint: String) -> String { hexadecimal(SHA256.hash(data: Data(fingerprint.utf8))) }

    private static func encoded(_ fingerprint: Fingerprint) -> String {
        String(decoding: (try? JSONEncoder(.sortedKeys).encode(fingerprint)) ?? Data(), as: UTF8.self)
    }

    private static func decoded(_ text: String) -> Fingerprint? { try? JSONDecoder().decode(Fingerprint.self, from: Data(text.utf8)) }
}
