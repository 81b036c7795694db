import Crypto
import Files
import Foundation
import Jobs

/// What a job's photos and masks held when its run began. They are read again and again while it trains; one that is exchanged
/// meanwhile would give a LoRA of neither picture.
struct PhotoDigests {
    /// What tells without reading it that a file was not touched.
    private struct Look: Equatable {
        let size: Int, modified: [Int], changed: [Int]

        init?(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            size = Int(status.st_size)
            modified = [status.st_mtim.tv_sec, status.st_mtim.tv_nsec]
            changed = [status.st_ctim.tv_sec, status.st_ctim.tv_nsec]
        }
    }

    private struct Content {
        let look: Look?
        let digest: SHA256Digest?

        init(_ path: String) {
            // In this order: what is written in between is noticed.
            look = Look(path)
            digest = try? Self.digest(path)
        }

        /// nil where nothing is there.
        static func digest(_ path: String) throws(FileError) -> SHA256Digest? { try Folder.contents(of: path, limit: .max).map { SHA256.hash(data: $0) } }
    }

    private let job: Job
    private let contents: [String: Content]
    /// By the paths at which they lie.
    private let files: [String: String]

    /// Reads every photo and mask of the job.
    init(of job: Job) {
        self.job = job
        contents = Dictionary(uniqueKeysWithValues: job.files.map { ($0, Content(job.place(of: $0))) })
        files = Dictionary(job.files.map { (job.place(of: $0), $0) }) { first, _ in first }
    }

    /// - Throws: a fault for each file that holds something else by now, is gone, or cannot be read.
    func verify() throws(FaultList) {
        try job.files.compactMap(fault).throwIfAny()
    }

    /// For what was just read from a path; others than the job's own are none of its photos.
    func verify(path: String) throws(FaultList) {
        try (files[path].flatMap(fault).map { [$0] } ?? []).throwIfAny()
    }

    private func fault(of file: String) -> Fault? {
        let path = job.place(of: file), was = contents[file], look = Look(path)
        if let was, let look, look == was.look { return nil }
        do throws(FileError) {
            if try Folder.isThere(path), let was, try Content.digest(path) == was.digest { return nil }
        } catch {
            return Fault(file: file, "cannot be read any more: \(error)", mayPass: error.mayPass)
        }
        return Fault(file: file, "was changed while the job ran, and the LoRA would be of neither picture; leave the folder alone until the job is done, and put it into the inbox again")
    }
}
