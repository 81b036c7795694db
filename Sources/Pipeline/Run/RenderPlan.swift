import Diffusion
import Foundation
import Jobs
import SegMix

/// The pictures a job asks for: those on the way (`validation_prompt`) and the final ones (`render`).
struct RenderPlan {
    let validation: [PlannedPicture]
    let final: [PlannedPicture]
    /// What the job should hear of.
    let notes: [String]

    /// - Parameters:
    ///   - composer: makes the layouts of mean-shifted noise.
    ///   - factor: the VAE's down-sampling; sides are multiples of it.
    init(_ job: Job, composer: Composer, factor: Int) {
        let s = job.specification, r = s.render
        func side(_ pixels: Int?) -> Int { max((pixels ?? s.resolution) / factor, 1) * factor }
        func request(_ prompt: String, _ seed: Int, _ sampler: Sampler.Kind, gamma: Double = 0) -> RenderRequest {
            RenderRequest(
                prompt: prompt, negativePrompt: r.negativePrompt, seed: UInt64(bitPattern: Int64(seed)), steps: r.steps, guidance: r.guidance,
                width: side(r.width), height: side(r.height), sampler: sampler, gamma: gamma)
        }
        // As the reference: DPM-Solver++ shows early what a LoRA has learned.
        validation = s.validationPrompt.map { prompt in (0..<s.numValidationImages).map { PlannedPicture(request(prompt, s.seed + $0, .dpmpp_2m)) } } ?? []
        guard let sampler = Sampler.Kind(rawValue: r.sampler.rawValue) else { preconditionFailure("no sampler \(r.sampler.rawValue)") }
        let prompts = r.prompts.isEmpty ? s.validationPrompt.map { [$0] } ?? [] : r.prompts
        let gammas = r.gamma ?? [composer.canCompose ? RenderSpecification.defaultGamma : 0]
        final = prompts.flatMap { prompt in
            let subjects = r.subjects ?? r.layout?.boxes.map(\.subject) ?? composer.subjects(in: prompt)
            return r.loraScale.flatMap { scale in
                gammas.flatMap { gamma in
                    r.seeds.map { PlannedPicture(request(prompt, $0, sampler, gamma: gamma), loraScale: scale, subjects: gamma > 0 ? subjects : []) }
                }
            }
        }
        notes = r.gamma == nil && !composer.canCompose && !prompts.isEmpty
            ? ["the final pictures start from ordinary noise (gamma 0): not every subject has a photo with a mask, which a layout needs"] : []
    }

    var prompts: [String] { (validation + final).flatMap(\.request.prompts) }
}
