import ArgumentParser
import Foundation
import Jobs
import Pipeline

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Says everything that is wrong with a job, and what it will cost.")

    @OptionGroup var options: JobOptions

    @Flag(help: "What it will cost as one line of JSON, and nothing else.")
    var json = false

    private struct Cost: Encodable {
        let memory: Int, seconds: Double, steps: Int
        enum CodingKeys: String, CodingKey { case memory = "memory_bytes", seconds, steps }
    }

    func run() throws {
        let (job, model) = try options.load()
        do {
            try JobCheck(job, model: model).faults().throwIfAny()
        } catch {
            throw JobFailure(error)
        }
        if json {
            let cost: JobCost
            do { cost = try JobCost(job, model: model) } catch { throw JobFailure(error) }
            let line = Cost(memory: cost.tensorBytes + cost.weightBytes, seconds: cost.seconds, steps: job.specification.maxTrainSteps)
            print(String(decoding: try JSONEncoder().encode(line), as: UTF8.self))
            return
        }
        for warning in job.warnings { print("note: \(warning)") }
        let s = job.specification
        print("\(job.name): \(job.photos.subjects.count) subjects, \(job.photos.photos.count) photos, \(job.priors?.photos.count ?? 0) prior pictures: in order")
        print("\(s.maxTrainSteps) steps of \(s.gradientAccumulationSteps) × \(s.trainBatchSize) examples at \(s.resolution) px")
        do { print(try JobCost(job, model: model)) } catch { throw JobFailure(error) }
    }
}
