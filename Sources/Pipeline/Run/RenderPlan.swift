import Diffusion
import Foundation
import Jobs
import SegMix

/// The pictures a job asks for: those on the way (`validation_prompt`), the final ones (`render`), and with `rounds: 2` those
/// that may join the second round.
struct RenderPlan {
    let validation: [PlannedPicture]
    let final: [PlannedPicture]
    let candidates: [PlannedPicture]
    /// Positions of the final pictures that are to show every subject: the prompt names all of them, or none and the layout has all.
    let together: [Int]
    /// What is added to the job's seed for the first of them.
    private static let firstCandidate = 1_000_000
    /// What the job should hear of.
    let notes: [String]

    /// - Parameters:
    ///   - composer: makes the layouts of mean-shifted noise.
    ///   - schedule: the model's.
    ///   - factor: the VAE's down-sampling; sides are multiples of it.
    init(_ job: Job, composer: Composer, schedule: NoiseSchedule, factor: Int) {
        let s = job.specification, r = s.render, names = SubjectNames(job.photos.subjects)
        func side(_ pixels: Int?) -> Int { max((pixels ?? s.resolution) / factor, 1) * factor }
        func request(_ prompt: String, _ seed: Int, _ sampler: Sampler.Kind, gamma: Double = 0, isSquare: Bool = false) -> RenderRequest {
            RenderRequest(
                prompt: prompt, negativePrompt: r.negativePrompt, seed: UInt64(bitPattern: Int64(seed)), steps: r.steps, guidance: r.guidance,
                width: side(isSquare ? nil : r.width), height: side(isSquare ? nil : r.height), sampler: sampler, gamma: gamma)
        }
        let solver = Self.solver(schedule, r.steps), sampler = Self.sampler(r.sampler)
        validation = s.validationPrompt.map { prompt in (0..<s.numValidationImages).map { PlannedPicture(request(prompt, s.seed + $0, solver)) } } ?? []
        let prompts = r.prompts.isEmpty ? s.validationPrompt.map { [$0] } ?? [] : r.prompts
        let gammas = r.gamma ?? [composer.canCompose ? RenderSpecification.defaultGamma : 0]
        func subjects(_ prompt: String, gamma: Double) -> [String] {
            gamma > 0 ? r.subjects ?? r.layout?.boxes.map(\.subject) ?? names.laidOut(for: prompt) : []
        }
        final = prompts.flatMap { prompt in
            r.loraScale.flatMap { scale in
                gammas.flatMap { gamma in
                    r.seeds.map { PlannedPicture(request(prompt, $0, sampler, gamma: gamma), loraScale: scale, subjects: subjects(prompt, gamma: gamma)) }
                }
            }
        }
        let keys = Set(job.photos.subjects.map(\.key))
        together = final.indices.filter { [final] i in
            let named = names.named(in: final[i].request.prompt)
            return Set(named.isEmpty ? final[i].subjects : named) == keys
        }
        // Training pictures to be: square, and of seeds that no final picture has, so that these stay unseen in training.
        let seeds = (0...).lazy.map { s.seed + Self.firstCandidate + $0 }.filter { !r.seeds.contains($0) }.prefix(s.join.candidates)
        // Without the LoRA nothing of the subjects is drawn.
        let scales = r.loraScale.contains { $0 > 0 } ? r.loraScale.filter { $0 > 0 } : [1]
        let kinds = s.rounds > 1 ? s.promptsOfAll(job.photos.subjects).flatMap { prompt in scales.flatMap { scale in gammas.map { (prompt, scale, $0) } } } : []
        candidates = kinds.isEmpty ? [] : seeds.enumerated().map { i, seed in
            let (prompt, scale, gamma) = kinds[i % kinds.count]
            return PlannedPicture(request(prompt, seed, sampler, gamma: gamma, isSquare: true), loraScale: scale, subjects: subjects(prompt, gamma: gamma))
        }
        notes = r.gamma == nil && !composer.canCompose && !prompts.isEmpty
            ? ["the \(s.rounds > 1 ? "pictures" : "final pictures") start from ordinary noise (gamma 0): not every subject has a photo with a mask, which a layout needs"] : []
    }

    /// What validation pictures are drawn with. As the reference: DPM-Solver++ shows early what a LoRA has learned.
    static func solver(_ schedule: NoiseSchedule, _ steps: Int) -> Sampler.Kind { .first(of: .dpmpp_2m, .euler, .euler_ancestral, following: schedule, steps: steps) }

    /// Whether pictures are wanted.
    static func draws(_ specification: JobSpecification) -> Bool { specification.validationPrompt != nil || !specification.render.prompts.isEmpty }

    static func sampler(_ name: RenderSpecification.Sampler) -> Sampler.Kind {
        guard let sampler = Sampler.Kind(rawValue: name.rawValue) else { preconditionFailure("no sampler \(name.rawValue)") }
        return sampler
    }

    /// Refuses what the model's schedule cannot be followed in, and layouts that nothing can be put into, before anything is trained.
    /// - Parameter drawsFinal: false: the training is all that is wanted.
    /// - Throws: `ScheduleError`, `SegMixError`, `JobFailure`.
    static func check(_ job: Job, _ schedule: NoiseSchedule, drawsFinal: Bool) throws {
        let s = job.specification
        // A schedule that no sampler follows is no fault of the job's.
        if draws(s), s.render.steps > schedule.steps || Sampler.Kind.isAny(following: schedule, steps: s.render.steps) {
            try Sampler.check(sampler(s.render.sampler), schedule, steps: s.render.steps)
        }
        if job.lacksPriors, s.prepare.priorSteps > schedule.steps {
            throw JobFailure(.badInput, "`prepare.prior_steps` is \(s.prepare.priorSteps), and the model's schedule has \(schedule.steps); use no more than that")
        }
        guard let gammas = s.render.gamma, gammas.contains(where: { $0 > 0 }) else { return }
        let composer = try job.composer(), plan = RenderPlan(job, composer: composer, schedule: schedule, factor: 8)
        let willHaveMasks = Set(job.unmasked.map(\.subject))
        try composer.check(Set(((drawsFinal ? plan.final : []) + plan.candidates).flatMap(\.subjects)).subtracting(willHaveMasks).sorted())
    }

    var prompts: [String] { (validation + final + candidates).flatMap(\.request.prompts) }
}
