import CPUDevice
import Jobs

/// Whether what a job lacks can be made here, before anything is.
public struct PreparationCheck {
    let job: Job
    let means: Preparation.Means

    public init(_ job: Job, _ means: Preparation.Means) { (self.job, self.means) = (job, means) }

    /// Loads the models that would be used.
    /// - Throws: `JobFailure` where they are missing, and what reading them throws.
    public func run() throws {
        guard Preparation.isNeeded(job) else { return }
        CPUDevice.install()
        _ = try SubjectFinder(means, job.specification.prepare)
    }

    /// What will be made, a sentence each.
    public var sentences: [String] {
        var sentences: [String] = []
        if !job.unmasked.isEmpty { sentences.append("\(job.unmasked.count) mask\(job.unmasked.count == 1 ? "" : "s") will be made (`segmix prepare` makes \(job.unmasked.count == 1 ? "it" : "them") alone).") }
        if job.lacksPriors {
            let classes = job.photos.subjects.map { "“\(job.className(of: $0))”" }.joined(separator: ", ")
            sentences.append("\(job.specification.numClassImages) prior images of \(classes) will be drawn, with their masks.")
        }
        return sentences
    }
}
