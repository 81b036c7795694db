import ArgumentParser
import Jobs
import Pipeline

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Says everything that is wrong with a job, and what it will cost.")

    @OptionGroup var options: JobOptions

    func run() throws {
        let (job, model) = try options.load()
        do {
            try report(job, model)
        } catch {
            throw JobFailure(error)
        }
    }

    private func report(_ job: Job, _ model: Configuration.Model) throws {
        let findings = try JobCheck(job, model: model).findings()
        try findings.faults.throwIfAny()
        for warning in job.warnings { print("note: \(warning)") }
        let s = job.specification
        print("\(job.name): \(job.photos.subjects.count) subjects, \(job.photos.photos.count) photos, \(job.priors?.photos.count ?? 0) prior pictures: in order")
        print("\(s.maxTrainSteps) steps of \(s.gradientAccumulationSteps) × \(s.trainBatchSize) examples at \(s.resolution) px")
        let cost = try JobCost(job, model: model, pictures: findings.pictures, budget: .now(), speed: .measured(for: job))
        if let warning = cost.warning { print("note: \(warning)") }
        print(cost)
        try cost.refuseIfTooLarge()
    }
}
