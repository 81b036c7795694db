import Diffusion
import Jobs

/// One picture that a job or a person asks for: what to render, with what strength of the LoRA, and over which layout.
struct PlannedPicture: Sendable, Equatable {
    var request: RenderRequest
    /// What every LoRA's own strength is multiplied by.
    var loraScale = 1.0
    /// Subjects of the layout, where the request's γ is above 0.
    var subjects: [String] = []
    /// The LoRA's file as the report says it, where it is not the result's own.
    var lora: String?

    init(_ request: RenderRequest, loraScale: Double = 1, subjects: [String] = []) {
        (self.request, self.loraScale, self.subjects) = (request, loraScale, subjects)
    }
}

/// A picture that was made, as `report.json` says it.
struct RenderedPicture: Codable, Equatable {
    /// Relative to the folder that the report lies in.
    var file: String
    let prompt: String
    let negativePrompt: String?
    let seed: UInt64
    let sampler: String
    let steps: Int
    let guidance: Double
    let gamma: Double, loraScale: Double
    let width: Int, height: Int
    /// The picture of the layout that its noise was shifted by.
    var layout: String?
    /// The LoRA that drew it, where it is one of a job: its diffusers file, relative as `file` is.
    var lora: String?

    enum CodingKeys: String, CodingKey {
        case file, prompt, negativePrompt = "negative_prompt", seed, sampler, steps, guidance, gamma, loraScale = "lora_scale", width, height, layout, lora
    }

    init(_ picture: PlannedPicture, file: String, layout: String?) {
        let r = picture.request
        (self.file, self.layout) = (file, layout)
        (prompt, negativePrompt, seed, sampler, steps, guidance) = (r.prompt, r.negativePrompt, r.seed, r.sampler.rawValue, r.steps, r.guidance)
        (gamma, loraScale, width, height) = (r.gamma, picture.loraScale, r.width, r.height)
        lora = picture.lora
    }

    /// What distinguishes it from its neighbours: `seed 42 · γ 0.07 · LoRA 0.8`, and where the LoRA is not the result's own, its
    /// folder.
    var caption: String {
        let folder = lora?.split(separator: "/").dropLast().joined(separator: "/") ?? ""
        return (["seed \(seed)", "γ \(NumberRange.short(gamma))"] + (loraScale == 1 ? [] : ["LoRA \(NumberRange.short(loraScale))"]) + (folder.isEmpty ? [] : [folder]))
            .joined(separator: " · ")
    }
}
