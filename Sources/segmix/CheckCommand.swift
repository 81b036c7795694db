import ArgumentParser
import Files
import Foundation
import Jobs
import Pipeline

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Says everything that is wrong with a job, and what it will cost.")

    @OptionGroup var options: JobOptions

    @Flag(help: "What it will cost as one line of JSON, and nothing else.")
    var json = false

    @Option(help: ArgumentHelp("Bytes of memory to suppose free, whatever is free at the moment.", visibility: .hidden))
    var freeMemory: Int?

    private struct Cost: Encodable {
        let memory: Int, preparationSeconds, seconds, renderSeconds, scoringSeconds: Double, steps: Int
        enum CodingKeys: String, CodingKey {
            case memory = "memory_bytes", preparationSeconds = "preparation_seconds", seconds, renderSeconds = "render_seconds", scoringSeconds = "scoring_seconds", steps
        }
    }

    func run() throws {
        let (job, model, means) = try options.load()
        try JobFailure.afterCheck(job.specification, model) { try check(job, model, means) }
    }

    private func check(_ job: Job, _ model: Configuration.Model, _ means: Preparation.Means) throws {
        let needs = try JobCheck(job, model: model).run()
        try PreparationCheck(job, means).run()
        let scoring = try ScoringModels.of(job, model), now = MemoryBudget.now(), budget = freeMemory.map(now.supposing) ?? now
        if json {
            let cost = try JobCost(job, model: model, means: means, scoring: scoring, pictures: needs, budget: budget,
                // Who supposes memory asks for nothing else.
                speed: freeMemory == nil ? .measured(for: job) : .typical)
            let line = Cost(
                memory: cost.memory.total, preparationSeconds: cost.preparationSeconds, seconds: cost.seconds, renderSeconds: cost.renderSeconds, scoringSeconds: cost.scoringSeconds,
                steps: job.specification.rounds * job.specification.maxTrainSteps)
            try Answer.print(line, lines: [], json: true)
            return try cost.refuseIfTooLarge()
        }
        let s = job.specification
        for warning in job.warnings + JobRunner.few(needs.doubts) + [s.mixedPrecision.note(called: "mixed_precision:")].compactMap({ $0 }) { say("note: \(warning)") }
        if job.photos.isInferred {
            print("There is no metadata.jsonl; from the folders' names:")
            for line in job.photos.metadataLines().split(separator: "\n", omittingEmptySubsequences: false) { print(String(line).onOneLine(atMost: .max)) }
        }
        for line in PreparationCheck(job, means).sentences { say(line) }
        say("\(job.name): \(job.photos.subjects.count) subjects, \(job.photos.photos.count) photos, \(job.priors?.photos.count ?? 0) prior pictures: in order")
        print("\(s.maxTrainSteps) steps of \(s.gradientAccumulationSteps) × \(s.trainBatchSize) examples at \(s.resolution) px")
        if s.rounds > 1 {
            print("then \(s.join.candidates) pictures are drawn and scored; the best of them (at most \(s.join.most), with a score from \(s.join.threshold) on) join the photos of a second round of as many steps")
        }
        let cost = try JobCost(job, model: model, means: means, scoring: scoring, pictures: needs, budget: budget, speed: .measured(for: job))
        if let warning = cost.warning { print("note: \(warning)") }
        print(cost)
        try cost.refuseIfTooLarge()
    }

    /// Names and phrases come from strangers.
    private func say(_ line: String) { print(line.onOneLine(atMost: 4000)) }
}
