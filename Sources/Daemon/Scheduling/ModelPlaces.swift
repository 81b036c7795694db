import Files
import Foundation
import Jobs
import JobStore
import Synchronization

/// Directories of models that were there: one that is away by now is waited for, as a share comes back; one that never was is a fault of
/// the configuration.
final class ModelPlaces: Sendable {
    /// Where they are looked at: a share may hang.
    let files = FileExecutor("segmixd.models")
    private let seen = Mutex<Set<String>>([])

    /// - Throws: `FileError` where a directory of the model is away for a while.
    func require(_ model: Configuration.Model) throws(FileError) {
        for place in [model.base, model.vae, model.owlv2, model.sam, model.dinov2].compactMap({ $0 }) {
            if Folder.leadsToDirectory(place) {
                seen.withLock { _ = $0.insert(place) }
            } else if let mount = ForeseenMount.missing(for: place) {
                throw FileError("read", place, reason: "\(mount) is not mounted", remedy: "Mount it; the job waits until then")
            } else if seen.withLock({ $0.contains(place) }) {
                throw FileError("read", place, reason: "the model was there and is not any more", remedy: "If it lies on a share, mount that; the job waits until then")
            }
        }
    }
}
