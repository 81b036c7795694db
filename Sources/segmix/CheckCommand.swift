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
            try JobCheck(job, model: model).faults().throwIfAny()
        } catch {
            throw JobFailure(error)
        }
        for warning in job.warnings { print("note: \(warning)") }
        let s = job.specification
        print("\(job.name): \(job.photos.subjects.count) subjects, \(job.photos.photos.count) photos, \(job.priors?.photos.count ?? 0) prior pictures: in order")
        print("\(s.maxTrainSteps) steps of \(s.gradientAccumulationSteps) × \(s.trainBatchSize) examples at \(s.resolution) px")
        do { print(try JobCost(job, model: model)) } catch { throw JobFailure(error) }
    }
}
