import CPUDevice
import Files
import Foundation
import Tensors
import TestFolders
import Testing
@testable import Training
import Weights

@Suite(.serialized) struct ResumePointTests {
    private static let fingerprint = ["rank": "2", "seed": "7", "photos": "abc"]

    /// An optimizer over two small adapters. Another `mark` gives other numbers in every tensor of it.
    private func optimizer(_ mark: UInt64 = 0) -> AdamW {
        CPUDevice.install()
        let adapters = AdapterSet(rank: 2, alpha: 2, seed: mark)
        for (path, inputs, outputs) in [("x.to_q", 5, 3), ("x.to_out.0", 4, 7)] { _ = adapters.adapter(for: path, inputs: inputs, outputs: outputs) }
        let made = AdamW(adapters, .init(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0))
        if mark > 0 {
            var stream = RandomStream(seed: mark, purpose: .weights)
            for tensor in tensors(made) { for i in 0..<tensor.count { tensor.floats[i] = Float(stream.uniform()) } }
        }
        return made
    }

    private func tensors(_ optimizer: AdamW) -> [Tensor] { optimizer.parameters.map(\.parameter.value) + optimizer.first + optimizer.second }
    private func values(_ optimizer: AdamW) -> [[Float]] { tensors(optimizer).map(\.values) }

    private func restore(_ points: ResumePoint, _ optimizer: AdamW, _ fingerprint: [String: String] = fingerprint) throws -> (step: Int?, skipped: [String]) {
        var skipped: [String] = []
        let step = try points.restore(optimizer, fingerprint) { skipped.append(URL(fileURLWithPath: $0).lastPathComponent) }
        return (step, skipped)
    }

    @Test func roundTrip() throws {
        let folder = try TemporaryFolder(), points = ResumePoint(directory: folder.path + "/made/on/the/way"), saved = optimizer(3)
        let nothing = try restore(points, optimizer()).step
        #expect(try points.knownFingerprint() == nil && nothing == nil)
        try points.save(step: 12, saved, Self.fingerprint, keeping: 2)
        let other = optimizer(4)
        #expect(values(other) != values(saved))
        let (step, skipped) = try restore(points, other)
        #expect(try points.knownFingerprint() == Self.fingerprint && step == 12 && skipped.isEmpty && values(other) == values(saved))
    }

    @Test func theNewestAreKept() throws {
        let folder = try TemporaryFolder(), points = ResumePoint(directory: folder.path)
        for step in [5, 10, 15, 999_999, 1_000_000] { try points.save(step: step, optimizer(UInt64(step)), Self.fingerprint, keeping: 2) }
        #expect(folder.names("") == ["step-1000000.safetensors", "step-999999.safetensors"])
        let other = optimizer()
        let step = try restore(points, other).step
        #expect(step == 1_000_000)
        #expect(values(other) == values(optimizer(1_000_000)))
        try points.save(step: 1_000_001, optimizer(1), Self.fingerprint, keeping: 0)
        #expect(folder.names("") == ["step-1000001.safetensors"], "one is always kept")
    }

    @Test func damagedFilesArePassedOver() throws {
        let folder = try TemporaryFolder(), points = ResumePoint(directory: folder.path)
        try points.save(step: 1, optimizer(1), Self.fingerprint, keeping: 9)
        try points.save(step: 2, optimizer(2), Self.fingerprint, keeping: 9)
        let newest = "step-000002.safetensors", good = try folder.data(newest)
        let header = 8 + Int(good.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
        var damages: [(String, Data)] = [("empty", Data()), ("short", good.prefix(good.count - 1)), ("only a header", good.prefix(header)), ("longer", good + [0])]
        for at in [header, header + (good.count - header) / 2, good.count - 1] {
            var flipped = good
            flipped[at] ^= 1
            damages.append(("a bit of byte \(at) turned over", flipped))
        }
        let text = String(decoding: good[8..<header], as: UTF8.self)
        for (from, to) in [(#""step":"2""#, #""step":"3""#), ("sha256", "sha257"), ("abc", "abd"), ("first.x.to_q", "first.x.to_k")] {
            #expect(text.contains(from))
            damages.append(("\(to) for \(from)", good.prefix(8) + Data(text.replacingOccurrences(of: from, with: to).utf8) + good[header...]))
        }
        for (what, data) in damages {
            try folder.write(data, to: newest)
            let other = optimizer(9)
            let (step, skipped) = try restore(points, other)
            #expect(step == 1 && skipped == [newest] && values(other) == values(optimizer(1)), "\(what)")
        }
        // Where nothing verifies, the run starts from what it had: nothing of a damaged file is taken.
        try FileManager.default.removeItem(atPath: folder.path + "/step-000001.safetensors")
        for (what, data) in damages {
            try folder.write(data, to: newest)
            let fresh = optimizer(9)
            let step = try restore(points, fresh).step
            #expect(step == nil && values(fresh) == values(optimizer(9)), "\(what)")
        }
    }

    /// Files of later steps that were passed over are no reason to let go of the newest good one.
    @Test func whatWasPassedOverIsNotKept() throws {
        let folder = try TemporaryFolder(), points = ResumePoint(directory: folder.path)
        for step in [1900, 2000] { try folder.write(Data([1, 2, 3]), to: "step-00\(step).safetensors") }
        #expect(try restore(points, optimizer(9)).step == nil)
        try points.save(step: 100, optimizer(1), Self.fingerprint, keeping: 2)
        #expect(folder.names("") == ["step-000100.safetensors"])
        #expect(try restore(points, optimizer(9)).step == 100)
        for step in [200, 300] { try points.save(step: step, optimizer(1), Self.fingerprint, keeping: 2) }
        #expect(folder.names("") == ["step-000200.safetensors", "step-000300.safetensors"])
    }

    /// What its disk does not give now may be whole: it is neither passed over nor let go.
    @Test func whatCannotBeReadIsKept() throws {
        let folder = try TemporaryFolder(), points = ResumePoint(directory: folder.path + "/resume"), loop = folder.path + "/resume/step-000200.safetensors"
        for step in [100, 200] { try points.save(step: step, optimizer(1), Self.fingerprint, keeping: 2) }
        try #require(unlink(loop) == 0 && symlink("step-000200.safetensors", loop) == 0)
        #expect(throws: FileError.self) { try restore(points, optimizer(9)) }
        #expect(throws: FileError.self) { try points.knownFingerprint() }
        // The folder itself.
        try #require(rename(folder.path + "/resume", folder.path + "/kept") == 0 && symlink("resume", folder.path + "/resume") == 0)
        #expect(throws: FileError.self) { try restore(points, optimizer(9)) }
        #expect(throws: FileError.self) { try points.save(step: 300, optimizer(1), Self.fingerprint, keeping: 1) }
        #expect(folder.names("kept") == ["step-000100.safetensors", "step-000200.safetensors"])
    }

    @Test func aFileOfOtherShapesIsPassedOver() throws {
        let folder = try TemporaryFolder(), points = ResumePoint(directory: folder.path)
        try points.save(step: 3, optimizer(1), Self.fingerprint, keeping: 1)
        let adapters = AdapterSet(rank: 3, alpha: 3, seed: 0)
        for (path, inputs, outputs) in [("x.to_q", 5, 3), ("x.to_out.0", 4, 7)] { _ = adapters.adapter(for: path, inputs: inputs, outputs: outputs) }
        let step = try restore(points, AdamW(adapters, .init(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0))).step
        #expect(step == nil)
    }

    @Test func otherSettingsAreRefusedByName() throws {
        let folder = try TemporaryFolder(), points = ResumePoint(directory: folder.path)
        try points.save(step: 8, optimizer(1), Self.fingerprint, keeping: 1)
        for (change, says) in [
            (["seed": "8"], "a run with seed 7, and this one has 8"), (["soft_alpha": "1"], "soft_alpha unset, and this one has 1"),
            (["photos": nil], "photos abc, and this one has unset"),
        ] as [([String: String?], String)] {
            var now = Self.fingerprint
            for (key, value) in change { now[key] = value }
            let other = optimizer(9)
            do {
                _ = try restore(points, other, now)
                Issue.record("taken with \(change)")
            } catch let error as TrainingError {
                #expect(error.description.contains(says) && error.description.contains("step-000008.safetensors"), "\(error)")
            }
            #expect(values(other) == values(optimizer(9)))
        }
    }

    @Test func strangeFilesAreLeftAlone() throws {
        let folder = try TemporaryFolder(), points = ResumePoint(directory: folder.path)
        for name in ["step-.safetensors", "step-x.safetensors", "notes.txt", ".step-000004.safetensors.tmp"] { try folder.write(Data("hello".utf8), to: name) }
        #expect(try points.knownFingerprint() == nil)
        try points.save(step: 4, optimizer(1), Self.fingerprint, keeping: 1)
        let step = try restore(points, optimizer()).step
        #expect(step == 4)
        #expect(folder.names("").count == 5)
    }
}
