import Crypto
import Foundation
import Jobs

/// What a job's photos and masks held when its run began. They are read again and again while it trains; one that is exchanged
/// meanwhile would give a LoRA of neither picture.
struct PhotoDigests {
    private let job: Job
    private let digests: [String: SHA256Digest]

    /// Reads every photo and mask of the job.
    init(of job: Job) {
        self.job = job
        digests = Self.read(job)
    }

    /// - Throws: a fault for each file that holds something else by now, or is gone.
    func verify() throws(FaultList) {
        let now = Self.read(job)
        try job.files.filter { now[$0] != digests[$0] }.map { file in
            Fault(file: file, "was changed while the job ran, and the LoRA would be of neither picture; leave the folder alone until the job is done, and put it into the inbox again")
        }.throwIfAny()
    }

    private static func read(_ job: Job) -> [String: SHA256Digest] {
        var digests: [String: SHA256Digest] = [:]
        for file in job.files {
            guard let bytes = try? Data(contentsOf: URL(fileURLWithPath: job.place(of: file))) else { continue }
            digests[file] = SHA256.hash(data: bytes)
        }
        return digests
    }
}
