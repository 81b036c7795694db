import Jobs

/// What `segmix render` is asked for: one picture for every prompt, seed, γ and strength.
public struct RenderOrder: Sendable {
    public var prompts: [String] = []
    public var negativePrompt: String?
    public var seeds: [UInt64] = [42]
    public var steps = 50
    public var guidance = 5.0
    public var sampler = RenderSpecification.Sampler.euler
    public var width = 1024, height = 1024
    /// nil: `RenderSpecification.defaultGamma` where layouts can be made of a job's folder, else 0.
    public var gammas: [Double]?
    /// Strengths that all LoRAs' own are multiplied by.
    public var loraScales: [Double] = [1]
    public var loras: [LoRAChoice] = []
    public var precision = JobSpecification.MixedPrecision.no
    /// The job's folder whose photos and masks layouts are made of.
    public var jobFolder: String?
    /// Which of the folder's specifications says how large subjects are beside one another; nil: all of them, if they say the same.
    public var specification: String?
    public var subjects: [String]?
    public var layout: RenderLayout?
    public var initialLatents: String?, savedLatents: String?

    public init() {}

    /// - Throws: `JobFailure` (usage) for the first value out of range.
    func check() throws {
        guard !prompts.isEmpty else { throw JobFailure(.usage, "--prompt: say what the picture should show") }
        guard guidance.isFinite, guidance >= 0, guidance <= 100 else { throw JobFailure(.usage, "--guidance is \(guidance); a number from 0 to 100 is wanted") }
        for (name, value) in [("--width", width), ("--height", height)] where value < 8 || value > 8192 || value % 8 != 0 {
            throw JobFailure(.usage, "\(name) is \(value); a multiple of 8 from 8 to 8192 is wanted")
        }
        guard (1...1000).contains(steps) else { throw JobFailure(.usage, "--steps is \(steps); a number from 1 to 1000 is wanted") }
        for gamma in gammas ?? [] where !(0...10).contains(gamma) { throw JobFailure(.usage, "--gamma is \(gamma); a number from 0 to 10 is wanted") }
        for scale in loraScales where !(0...10).contains(scale) { throw JobFailure(.usage, "--lora-scale is \(scale); a number from 0 to 10 is wanted") }
        guard gammas?.allSatisfy({ $0 == 0 }) ?? true || jobFolder != nil else {
            throw JobFailure(.usage, "--gamma above 0 shifts the noise towards a layout of the subjects' photos; name the job's folder with --job")
        }
        guard specification == nil || jobFolder != nil else { throw JobFailure(.usage, "--spec is one of a job's folder; name that with --job") }
        guard Set(subjects ?? []).count == subjects?.count ?? 0 else { throw JobFailure(.usage, "--subject names a subject twice; name each once") }
        let placed = layout?.boxes.map(\.subject) ?? []
        guard Set(placed).count == placed.count else { throw JobFailure(.usage, "--layout names a subject twice; give each one box") }
        if layout != nil, let absent = subjects?.first(where: { !placed.contains($0) }) { throw JobFailure(.usage, "--layout has no box for the subject \(absent) of --subject; add one") }
        guard layout == nil && subjects == nil || gammas?.contains(where: { $0 > 0 }) ?? (jobFolder != nil) else {
            throw JobFailure(.usage, "--layout and --subject place the subjects of mean-shifted noise; give a --gamma above 0 with them, such as \(RenderSpecification.defaultGamma)")
        }
        guard loraScales == [1] || !loras.isEmpty else { throw JobFailure(.usage, "--lora-scale is the strength of a LoRA; name one with --lora") }
        // A layout of the seed's own makes another picture of the same noise.
        guard initialLatents == nil || seeds.count == 1 || (gammas?.allSatisfy { $0 > 0 } ?? (jobFolder != nil)) && layout == nil else {
            throw JobFailure(.usage, "--init-latents is the noise to start from, whatever the seed, and all pictures would be the same; give one --seed with it")
        }
        guard savedLatents == nil || prompts.count * seeds.count * (gammas?.count ?? 1) * loraScales.count == 1 else {
            throw JobFailure(.usage, "--save-latents keeps the latents of one picture; give one --prompt, --seed, --gamma and --lora-scale")
        }
    }
}
