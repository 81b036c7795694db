import Files
import Foundation
import Jobs

/// `segmix prepare`: a folder that completes a job's.
public struct PrepareJob {
    let job: Job
    let means: Preparation.Means
    let output: String
    let progress: ProgressReporter

    /// - Parameter output: an absolute path.
    public init(_ job: Job, _ means: Preparation.Means, output: String, progress: ProgressReporter) {
        (self.job, self.means, self.output, self.progress) = (job, means, output, progress)
    }

    /// Makes masks and prior images, then `metadata.jsonl` that names them.
    /// - Returns: false where a stop was asked for.
    public func run() throws -> Bool {
        guard output != job.path, !job.path.hasPrefix(output + "/") else {
            throw JobFailure(.usage, "--output \(output) is the job's own folder, whose metadata.jsonl would be replaced; name another folder")
        }
        guard Preparation.isNeeded(job) else {
            progress.say(.prepare, "nothing is missing: every photo has its mask" + (job.specification.withPriorPreservation ? ", and the prior images are there" : ""))
            return true
        }
        means.keepLocalCopies()
        try JobCheck(job, model: job.lacksPriors ? means.model : nil, drawsFinal: false).run()
        let lock = try OutputLock(output)
        defer { withExtendedLifetime(lock) {} }
        let preparation = Preparation(job, means, output: output, progress: progress)
        guard let (complete, _) = try JobFailure.afterCheck(job.specification, means.model, { try preparation.run() }) else {
            progress.say(.prepare, "stopped; run it again to go on")
            return false
        }
        try AtomicFile.write(complete.photos.metadataLines(relativeTo: output), to: output + "/metadata.jsonl")
        if let given = job.priors, let list = complete.priors, given != list {
            try AtomicFile.write(inPriorFolder(wholeList(given, masksOf: list)).metadataLines(), to: output + "/" + Job.priorList)
        }
        progress.say(.prepare, "done: copy what is in \(output) into \(job.path), and the job is complete")
        return true
    }

    /// All prior images that are there, also those that `num_class_images` leaves out, with the masks that were made.
    private func wholeList(_ given: PhotoList, masksOf completed: PhotoList) -> PhotoList {
        var whole = Job.readableLists(of: JobFolder(job.path)).first { $0.source == given.source } ?? given
        var masks: [MaskLog.Line: String] = [:]
        for photo in completed.photos { masks[.init(photo)] = photo.mask }
        for i in whole.photos.indices where whole.photos[i].mask == nil { whole.photos[i].mask = masks[.init(whole.photos[i])] }
        return whole
    }

    /// Given prior images whose masks were made, as the list in `prior` calls them.
    private func inPriorFolder(_ list: PhotoList) -> PhotoList {
        var list = list
        func name(_ file: String) -> String {
            for folder in [output + "/prior/", "prior/"] where file.hasPrefix(folder) { return String(file.dropFirst(folder.count)) }
            return file
        }
        for i in list.photos.indices {
            list.photos[i].file = name(list.photos[i].file)
            list.photos[i].mask = list.photos[i].mask.map(name)
        }
        return list
    }
}
