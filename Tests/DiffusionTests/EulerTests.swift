import Foundation
import ModelGoldens
import Testing

@testable import Diffusion

extension Sampler {
    /// Latents as the model sees them in step `index`.
    fileprivate func scaleInput(_ latents: [Float], _ index: Int) -> [Float] { latents.map { $0 * steps[index].inputScale } }

    /// Takes step `index` with the model's output.
    fileprivate func step(_ latents: inout [Float], output: [Float], _ index: Int) {
        for i in latents.indices { latents[i] = steps[index].latents * latents[i] + steps[index].output * output[i] }
    }
}

struct EulerTests {
    @Test func stepsAndLatentsAreThoseOfDiffusers() throws {
        let golden = try Golden("schedules")
        let noise = golden["noise"].values
        for one in try ScheduleCase.all() {
            let schedule = NoiseSchedule(one.configuration)
            for steps in one.steps {
                let key = "\(one.name).\(steps)"
                let sampler = try Sampler(.euler, schedule, steps: steps)
                let times = golden["\(key).timesteps"].values
                try #require(sampler.count == times.count, "\(key)")
                #expect(relativeError(sampler.timesteps.map { $0 + 1 }, times.map { $0 + 1 }) < 1e-6, "\(key)")
                #expect(relativeError(sampler.sigmas, golden["\(key).sigmas"].values) < 1e-6, "\(key)")
                #expect(relativeError([sampler.initialNoiseSigma], golden["\(key).initial"].values) < 1e-6, "\(key)")

                // Each step from the reference's own latents, so that errors do not add up; then all in a row.
                let scaled = golden["\(key).scaled"], latents = golden["\(key).latents"]
                let start = noise.map { $0 * sampler.initialNoiseSigma }
                var walked = start
                for i in 0..<sampler.count {
                    var x = i == 0 ? start : latents.rows(i - 1, 1).values
                    let input = sampler.scaleInput(x, i)
                    #expect(relativeError(input, scaled.rows(i, 1).values) < 1e-6, "\(key), step \(i)")
                    func output(_ input: [Float]) -> [Float] {
                        input.map { sin(3 * $0 + 0.001 * sampler.timesteps[i]) }
                    }
                    sampler.step(&x, output: output(scaled.rows(i, 1).values), i)
                    #expect(relativeError(x, latents.rows(i, 1).values) < 1e-5, "\(key), step \(i)")
                    sampler.step(&walked, output: output(sampler.scaleInput(walked, i)), i)
                }
                // A first σ of 4096: diffusers' float32 is 8e-6 away from float64 after that step alone.
                let bound = sampler.sigmas[0] > 1000 ? 3e-5 : 1e-5
                #expect(relativeError(walked, latents.rows(sampler.count - 1, 1).values) < bound, "\(key)")
            }
        }
    }

    @Test func recordedRendersUseTheseSteps() throws {
        for name in ["odd-a", "odd-b", "odd-c"] {
            let directory = Golden.models.appendingPathComponent("\(name)/scheduler")
            let schedule = NoiseSchedule(try SchedulerConfiguration(contentsOf: directory))
            #expect(try Sampler(.euler, schedule, steps: 4).timesteps == (try Golden(name))["sample.timesteps"].values)
        }
    }

    /// For a model that knows the clean latent, one step of any size from any level lands exactly on its line.
    @Test func perfectPredictionsLeadToTheCleanLatent() throws {
        let clean: [Float] = [0.3, -1.2, 2], noise: [Float] = [1, -0.5, 0.1]
        for prediction in SchedulerConfiguration.Prediction.allCases {
            var configuration = SchedulerConfiguration()
            configuration.prediction = prediction
            configuration.betaSchedule = .scaled_linear
            let sampler = try Sampler(.euler, NoiseSchedule(configuration), steps: 7)
            var x = zip(clean, noise).map { $0 + sampler.sigmas[0] * $1 }
            for i in 0..<sampler.count {
                let sigma = sampler.sigmas[i], root = (sigma * sigma + 1).squareRoot()
                let output = zip(clean, noise).map { prediction == .epsilon ? $1 : ($1 - sigma * $0) / root }
                sampler.step(&x, output: output, i)
                let expected = zip(clean, noise).map { $0 + sampler.sigmas[i + 1] * $1 }
                #expect(relativeError(x, expected) < 1e-5, "\(prediction), step \(i)")
            }
            #expect(relativeError(x, clean) < 1e-5)
        }
    }

    @Test func exponentialSigmasAreEvenlySpacedLogarithms() throws {
        var configuration = SchedulerConfiguration()
        configuration.sigmaSpacing = .exponential
        (configuration.sigmaMin, configuration.sigmaMax) = (0.1, 10)
        let sampler = try Sampler(.euler, NoiseSchedule(configuration), steps: 5)
        #expect(relativeError(sampler.sigmas, [10, 3.1622777, 1, 0.31622777, 0.1, 0]) < 1e-6)
        #expect(zip(sampler.timesteps, sampler.timesteps.dropFirst()).allSatisfy { $0 > $1 })
    }
}
