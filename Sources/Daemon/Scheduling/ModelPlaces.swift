import Files
import Foundation
import Jobs
import JobStore
import Synchronization

/// Directories of models that were there: one that is away by now is waited for, as a share comes back; one that never was is a fault of
/// the configuration. Where the share of a model hangs, its jobs wait and no others.
final class ModelPlaces: Sendable {
    private let state: StateDirectory
    private let seen = Mutex<Set<String>>([])
    /// Where each directory is looked at.
    private let files = Mutex<[String: FileExecutor]>([:])
    /// Seconds in which a share answers.
    private static let patience = 10

    init(_ state: StateDirectory) { self.state = state }

    /// What a run goes by.
    /// - Throws: `FileError` where the share of its model hangs.
    func configuration(_ now: Configuration, for record: JobRecord, run: Int) async throws -> Configuration {
        try await state.configuration(now, for: record, run: run) { place in try await ask(place) { Folder.leadsToDirectory(place) } }
    }

    /// - Throws: `FileError` where a directory of the run's model is away for a while.
    func require(_ now: Configuration, for record: JobRecord, run: Int) async throws {
        let configuration = try await configuration(now, for: record, run: run)
        let specification = configuration.specification(record.runs[run].specificationFile, in: JobFolder(state.input(record)))
        guard let model = try? configuration.model(for: specification) else { return }
        for place in [model.base, model.vae, model.owlv2, model.sam, model.dinov2].compactMap({ $0 }) { try await ask(place) { try self.require(place) } }
    }

    private func ask<Value: Sendable>(_ place: String, _ body: @Sendable @escaping () throws -> Value) async throws -> Value {
        let executor = files.withLock { files in
            let executor = files[place] ?? FileExecutor("segmixd.models")
            files[place] = executor
            return executor
        }
        guard let value = try await executor.run(within: Self.patience, body) else {
            throw FileError("read", place, reason: "the share that it lies on does not answer", remedy: "See to the share; the job waits until then")
        }
        return value
    }

    private func require(_ place: String) throws(FileError) {
        if Folder.leadsToDirectory(place) {
            seen.withLock { _ = $0.insert(place) }
            return
        }
        try ForeseenMount.requireMounted(place, to: "read", waiting: "the job waits")
        if seen.withLock({ $0.contains(place) }) {
            throw FileError("read", place, reason: "the model was there and is not any more", remedy: "If it lies on a share, mount that; the job waits until then")
        }
    }
}
