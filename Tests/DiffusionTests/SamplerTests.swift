import Foundation
import ModelGoldens
import Tensors
import Testing

@testable import Diffusion

/// A case of samplers.json.
private struct SamplerCase {
    let name: String
    let schedule: NoiseSchedule
    let kinds: [(kind: Sampler.Kind, steps: [Int])]

    static func all() throws -> [SamplerCase] {
        let file = Golden.models.appendingPathComponent("samplers.json")
        let cases = try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as! [String: [String: Any]]
        return try cases.sorted { $0.key < $1.key }.map { name, value in
            let json = try JSONSerialization.data(withJSONObject: value["config"]!)
            let kinds = value["kinds"] as! [String: [Int]]
            return SamplerCase(
                name: name, schedule: NoiseSchedule(try SchedulerConfiguration(json: json, file: name)),
                kinds: kinds.sorted { $0.key < $1.key }.map { (Sampler.Kind(rawValue: $0.key)!, $0.value) })
        }
    }
}

@Suite(.serialized) struct SamplerTests {
    private func output(_ x: Tensor, _ timestep: Float, scale: Float) -> Tensor {
        Tensor(x.values.map { sin(3 * ($0 * scale) + 0.001 * timestep) }, shape: x.shape)
    }

    @Test func latentsAreThoseOfDiffusers() throws {
        _ = ModelGolden("odd-a")
        let golden = try Golden("samplers"), noise = golden["noise"], fresh = golden["fresh"]
        var seen: Set<Sampler.Kind> = []
        for one in try SamplerCase.all() {
            for (kind, counts) in one.kinds {
                for count in counts {
                    let key = "\(one.name).\(kind.rawValue).\(count)"
                    let sampler = try Sampler(kind, one.schedule, steps: count), wanted = golden["\(key).latents"]
                    let times = golden["\(key).timesteps"].values
                    try #require(sampler.count == times.count, "\(key): \(sampler.count) steps, \(times.count) wanted")
                    #expect(relativeError(sampler.timesteps.map { $0 + 1 }, times.map { $0 + 1 }) < 1e-6, "\(key)")
                    #expect(relativeError([sampler.initialNoiseSigma], golden["\(key).initial"].values) < 1e-6, "\(key)")
                    var state = SamplerState(noise * sampler.initialNoiseSigma)
                    for (i, step) in sampler.steps.enumerated() {
                        let output = output(state.latents, step.timestep, scale: step.inputScale)
                        state.take(step, output: output, noise: step.noise == 0 ? nil : fresh.rows(i, 1).reshaped(noise.shape))
                    }
                    let error = relativeError(state.latents.values, wanted.rows(sampler.count - 1, 1).values)
                    // A first σ of 4096 costs diffusers' float32 some digits; clamping makes the walk chaotic, diffusers' own
                    // float32 is 3e-4 from its float64 there.
                    let bound = one.name == "clipped" && kind == .ddim ? 1e-3 : sampler.sigmas[0] > 1000 ? 1e-4 : 2e-5
                    #expect(error < bound, "\(key): \(error)")
                    seen.insert(kind)
                }
            }
        }
        #expect(seen == Set(Sampler.Kind.allCases))
    }

    /// Twenty steps with guidance through `StableDiffusionXLPipeline`, on an epsilon and a v-prediction model.
    @Test(arguments: ["odd-a", "odd-b"], Sampler.Kind.allCases) func latentsAfterTwentySteps(_ name: String, _ kind: Sampler.Kind) throws {
        let golden = ModelGolden(name), samplers = try Golden("samplers")
        var table = PromptTable()
        table["yes"] = PromptEmbedding(states: golden["sample.context"], pooled: golden["sample.pooled"])
        table["no"] = PromptEmbedding(states: golden["sample.negative_context"], pooled: golden["sample.negative_pooled"])
        let vae = try golden.model.loadVAE(), ids = golden.timeIDs(golden["sample.time_ids"])[0], f = vae.configuration.downsampling
        var configuration = try golden.model.loadSchedule().configuration
        configuration.clipRange = nil
        let make = TextToImage(
            unet: try golden.model.loadUNet(), vae: vae, schedule: NoiseSchedule(configuration), prompts: table, zerosForEmptyPrompt: true)
        let noise = golden.image("sample.initial")
        var request = RenderRequest(
            prompt: "yes", negativePrompt: "no", seed: 0, steps: 20, guidance: golden.scalar("sample.guidance"),
            width: noise.shape[2] * f, height: noise.shape[1] * f, sampler: kind)
        (request.conditioningWidth, request.conditioningHeight) = (Int(ids[1]), Int(ids[0]))
        let fresh = samplers["\(name).fresh"]
        // Twice in one batch: both must be what one alone is.
        let latents = try make.latents([request, request], noise: .stacked([noise, noise])) { step in
            let one = fresh.rows(step, 1).reshaped([1] + fresh.shape[2...]).channelsLast()
            return .stacked([one, one])
        } progress: { _ in }
        for i in 0..<2 {
            let error = relativeError(latents.part(i, of: 2).channelsFirst().values, samplers["\(name).\(kind.rawValue)"].values)
            #expect(error <= 1e-4, "\(error)")
        }
    }

    /// For a model that knows the clean latent, every deterministic sampler ends at it.
    @Test func perfectPredictionsLeadToTheCleanLatent() throws {
        _ = ModelGolden("odd-a")
        let clean: [Float] = [0.3, -0.9, 0.8], noise: [Float] = [1, -0.5, 0.1]
        for prediction in SchedulerConfiguration.Prediction.allCases {
            for kind in Sampler.Kind.allCases where kind != .euler_ancestral {
                var c = SchedulerConfiguration()
                (c.prediction, c.betaSchedule) = (prediction, .scaled_linear)
                let schedule = NoiseSchedule(c), sampler = try Sampler(kind, schedule, steps: 9)
                let keepsVariance = sampler.initialNoiseSigma == 1
                func state(_ sigma: Float) -> [Float] {
                    let alpha = keepsVariance ? 1 / (sigma * sigma + 1).squareRoot() : 1
                    return zip(clean, noise).map { alpha * ($0 + sigma * $1) }
                }
                var walk = SamplerState(Tensor(state(sampler.sigmas[0]), shape: [1, 3]))
                for (i, step) in sampler.steps.enumerated() {
                    let sigma = sampler.sigmas[i], root = (sigma * sigma + 1).squareRoot()
                    let output = zip(clean, noise).map { prediction == .epsilon ? $1 : ($1 - sigma * $0) / root }
                    walk.take(step, output: Tensor(output, shape: [1, 3]), noise: nil)
                }
                #expect(relativeError(walk.latents.values, clean) < 1e-3, "\(prediction), \(kind)")
            }
        }
    }

    @Test func whatASamplerCannotFollowIsSaid() throws {
        func refusal(_ kind: Sampler.Kind, _ steps: Int, _ change: (inout SchedulerConfiguration) -> Void = { _ in }) -> String? {
            var c = SchedulerConfiguration()
            change(&c)
            do throws(ScheduleError) {
                _ = try Sampler(kind, NoiseSchedule(c), steps: steps)
                return nil
            } catch { return error.description }
        }
        #expect(refusal(.dpmpp_2m, 1000)?.contains("DPM++ 2M takes from 1 to 999 sampling steps, not 1000") == true)
        #expect(refusal(.ddim, 0)?.contains("not 0") == true && refusal(.ddim, 1000) == nil)
        #expect(refusal(.ddim, 5) { $0.thresholds = true }?.contains("thresholding") == true)
        #expect(refusal(.euler, 5) { $0.thresholds = true } == nil)
        for (json, says) in [
            (#"{"use_lu_lambdas": true}"#, "use_lu_lambdas"), (#"{"use_flow_sigmas": true}"#, "use_flow_sigmas"), (#"{"lambda_min_clipped": -5.1}"#, "lambda_min_clipped"),
        ] {
            let given = try SchedulerConfiguration(json: Data(json.utf8), file: "x")
            #expect(refusal(.dpmpp_2m, 5) { $0 = given }?.contains(says) == true && refusal(.dpmpp_2m_karras, 5) { $0 = given } != nil)
            #expect(refusal(.euler, 5) { $0 = given } == nil && refusal(.ddim, 5) { $0 = given } == nil)
        }
        for (json, followers) in [(#"{"use_beta_sigmas": true}"#, [Sampler.Kind.euler_ancestral, .ddim]), (#"{"interpolation_type": "log_linear"}"#, [.euler_ancestral, .ddim, .dpmpp_2m, .dpmpp_2m_karras])] {
            let given = try SchedulerConfiguration(json: Data(json.utf8), file: "model/x.json")
            for kind in Sampler.Kind.allCases {
                let said = refusal(kind, 5) { $0 = given }
                #expect(followers.contains(kind) ? said == nil : said?.hasPrefix("model/x.json: ") == true && said?.hasSuffix("use the sampler euler_ancestral") == true, "\(kind): \(said ?? "followed")")
            }
            #expect(Sampler.Kind.first(of: .dpmpp_2m, .euler, .euler_ancestral, following: NoiseSchedule(given), steps: 5) == (followers.contains(.dpmpp_2m) ? .dpmpp_2m : .euler_ancestral))
        }
        // Levels that are no numbers.
        for kind in [Sampler.Kind.euler, .dpmpp_2m, .dpmpp_2m_karras] {
            #expect(refusal(kind, 5) { ($0.sigmaSpacing, $0.sigmaMin) = (.karras, -1) }?.contains("no numbers in 5 steps; look at its betas, sigma_min") == true, "\(kind)")
        }
        #expect(refusal(.euler, 5) { ($0.betaStart, $0.betaEnd) = (0.9, 0.9) } != nil)
        // Only where the step that has no signal is visited.
        #expect(refusal(.ddim, 5) { $0.rescalesToZeroSNR = true } == nil)
        #expect(refusal(.ddim, 5) { ($0.rescalesToZeroSNR, $0.ddimSpacing) = (true, .trailing) }?.contains("rescale_betas_zero_snr") == true)
    }

    /// At the end or, with SDXL's own schedule in as many steps as it allows, at the beginning; diffusers divides by zero there.
    @Test func equalLevelsAreStepsLikeOthers() throws {
        var c = SchedulerConfiguration()
        c.finalSigma = .sigma_min
        #expect(throws: Never.self) { try Sampler(.dpmpp_2m_karras, NoiseSchedule(c), steps: 6) }
        (c.finalSigma, c.spacing, c.stepsOffset) = (.zero, .leading, 1)
        c.trainSteps = 20
        let steps = try Sampler(.dpmpp_2m, NoiseSchedule(c), steps: 19).steps, fewer = try Sampler(.dpmpp_2m, NoiseSchedule(c), steps: 18).steps
        #expect(steps[0].denoised == nil && steps[1].earlier == 0)
        var walk = SamplerState(Tensor([1, -0.5, 0.25], shape: [1, 3])), shorter = walk
        for (i, step) in steps.enumerated() {
            walk.take(step, output: Tensor([0.5, 0.25, -1], shape: [1, 3]), noise: nil)
            if i > 0 { shorter.take(fewer[i - 1], output: Tensor([0.5, 0.25, -1], shape: [1, 3]), noise: nil) }
        }
        #expect(walk.latents.values == shorter.latents.values)
    }

    @Test func pythonsInfinityIsRead() throws {
        let json = #"{"lambda_min_clipped": -Infinity, "solver_type": "heun", "steps_offset": 3}"#
        let c = try SchedulerConfiguration(json: Data(json.utf8), file: "x")
        #expect(c.solverType == .heun && c.stepsOffset == 3 && c.unsupportedOfSolver.isEmpty)
    }
}
