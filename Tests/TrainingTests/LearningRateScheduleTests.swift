import Foundation
import ModelGoldens
import Testing
import Training

@Suite struct LearningRateScheduleTests {
    private struct Case: Decodable {
        let name: String
        let rate: Double
        let warmup, total, cycles: Int
        let power: Double
        let rates: [Double]
    }

    /// Every schedule as diffusers' `get_scheduler` walks it, and two steps beyond its end.
    @Test func ratesAreThoseOfDiffusers() throws {
        let cases = try JSONDecoder().decode([Case].self, from: Data(contentsOf: Golden.folder.appendingPathComponent("lr_schedules.json")))
        #expect(Set(cases.map(\.name)) == Set(LearningRateSchedule.Kind.allCases.map(\.rawValue)))
        for one in cases {
            let kind = try #require(LearningRateSchedule.Kind(rawValue: one.name))
            let schedule = LearningRateSchedule(
                kind, rate: one.rate, warmupSteps: one.warmup, totalSteps: one.total, cycles: one.cycles, power: one.power)
            #expect(one.rates.count == one.total + 3)
            for (step, wanted) in one.rates.enumerated() {
                #expect(abs(schedule.rate(at: step) - wanted) <= 1e-12 * one.rate + 1e-18, "\(one.name), warm-up \(one.warmup), step \(step)")
            }
        }
    }
}
