import Diffusion
import Foundation
import Jobs

/// The pictures a job asks for: those on the way (`validation_prompt`) and the final ones (`render`).
struct RenderPlan {
    let validation: [RenderRequest]
    let final: [RenderRequest]

    /// - Parameter factor: the VAE's down-sampling; sides are multiples of it.
    init(_ job: Job, factor: Int) {
        let s = job.specification, side = s.resolution / factor * factor
        func request(_ prompt: String, _ seed: Int) -> RenderRequest {
            RenderRequest(
                prompt: prompt, negativePrompt: s.render.negativePrompt, seed: UInt64(bitPattern: Int64(seed)),
                steps: s.render.steps, guidance: s.render.guidance, width: side, height: side)
        }
        validation = s.validationPrompt.map { prompt in (0..<s.numValidationImages).map { request(prompt, s.seed + $0) } } ?? []
        let prompts = s.render.prompts.isEmpty ? s.validationPrompt.map { [$0] } ?? [] : s.render.prompts
        final = prompts.flatMap { prompt in s.render.seeds.map { request(prompt, $0) } }
    }

    var prompts: [String] { (validation + final).flatMap(\.prompts) }
}
