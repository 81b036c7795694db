import Foundation
@testable import Jobs
import Testing
import Training

@testable import Pipeline

/// Every key of a specification reaches the part that it is meant for.
@Suite struct JobSettingsTests {
    private func job(_ change: (inout JobSpecification) -> Void) -> Job {
        var s = JobSpecification()
        change(&s)
        return Job(name: "toys", path: "/nowhere", specificationFile: nil, specification: s, photos: PhotoList(source: "metadata.jsonl", subjects: [], photos: []), priors: nil)
    }

    @Test func trainingSettings() {
        let t = job { s in
            (s.learningRate, s.lrScheduler, s.lrWarmupSteps, s.lrNumCycles, s.lrPower) = (5e-5, .polynomial, 7, 3, 1.5)
            (s.maxTrainSteps, s.gradientAccumulationSteps, s.rank, s.seed, s.maxGradNorm) = (200, 3, 4, 9, 0.5)
            (s.adamBeta1, s.adamBeta2, s.adamEpsilon, s.adamWeightDecay) = (0.8, 0.95, 1e-6, 0.01)
            (s.priorLossWeight, s.dcoBeta, s.normalizeMaskedLoss, s.mixedPrecision) = (0.25, 1000, true, .bf16)
        }.trainingSettings
        #expect(t.schedule.kind == .polynomial && t.schedule.rate == 5e-5 && t.schedule.warmupSteps == 7 && t.schedule.totalSteps == 200)
        #expect(t.schedule.cycles == 3 && t.schedule.power == 1.5 && t.steps == 200 && t.accumulation == 3)
        #expect(t.beta1 == 0.8 && t.beta2 == 0.95 && t.epsilon == 1e-6 && t.weightDecay == 0.01)
        #expect(t.maxGradientNorm == 0.5 && t.rank == 4 && t.seed == 9 && t.priorWeight == 0.25 && t.dcoBeta == 1000)
        #expect(t.normalizesMaskedLoss && t.precision == .bfloat16)
    }

    @Test func samplerSettings() {
        let t = job { s in
            (s.resolution, s.trainBatchSize, s.segmixProbability, s.segmixStartStep, s.softAlpha) = (256, 2, 0.4, 10, 0.2)
            (s.centerCrop, s.cropConditioning, s.repeats, s.seed, s.relativeScale) = (true, true, 3, -1, .number(-0.5))
            s.latentPool = 12
        }.samplerSettings(latentFactor: 4)
        #expect(t.resolution == 256 && t.latentFactor == 4 && t.batchSize == 2 && t.segmixProbability == 0.4 && t.segmixStartStep == 10)
        #expect(t.softAlpha == 0.2 && t.centerCrop && t.cropConditioning && t.latentPool == 12 && t.repeats == 3 && t.seed == .max && t.relativeScale == .ratio(-0.5))
        let plain = job { _ in }.samplerSettings(latentFactor: 8)
        #expect(!plain.centerCrop && !plain.cropConditioning && plain.relativeScale == .random)
    }
}
