import Foundation
import ModelGoldens
import Tensors
import Testing

@testable import Diffusion

/// The cases of schedules.json.
struct ScheduleCase {
    let name: String
    let configuration: SchedulerConfiguration
    let steps: [Int]

    static func all() throws -> [ScheduleCase] {
        let file = Golden.models.appendingPathComponent("schedules.json")
        let cases = try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as! [String: [String: Any]]
        return try cases.sorted { $0.key < $1.key }.map { name, value in
            let json = try JSONSerialization.data(withJSONObject: value["config"]!)
            return ScheduleCase(
                name: name, configuration: try SchedulerConfiguration(json: json, file: name),
                steps: (value["steps"] as! [NSNumber]).map(\.intValue))
        }
    }
}

struct ScheduleTests {
    @Test func noiseAndVelocityAreThoseOfDiffusers() throws {
        let golden = try Golden("schedules")
        let sample = golden["sample"].values, noise = golden["noise"].values
        func one(_ values: [Float]) -> Tensor { Tensor(values, shape: [1, values.count]) }
        let cases = try ScheduleCase.all()
        #expect(cases.count == 9)
        #expect(cases.contains { $0.configuration.prediction == .v_prediction })
        for (name, configuration) in cases.map({ ($0.name, $0.configuration) }) {
            let schedule = NoiseSchedule(configuration)
            let alphas = stride(from: 0, to: schedule.steps, by: 37).map { schedule.alphasCumulative[$0] }
                + [schedule.alphasCumulative[schedule.steps - 1]]
            #expect(relativeError(alphas, golden["\(name).alphas_cumprod"].values) < 2e-7, "\(name)")
            let noisy = golden["\(name).noisy"], velocity = golden["\(name).velocity"]
            for (i, t) in golden.integers("\(name).timestep").enumerated() {
                let ours = schedule.noised(one(sample), noise: one(noise), timesteps: [t])
                #expect(relativeError(ours.noisy.values, noisy.rows(i, 1).values) < 1e-6, "\(name) at \(t)")
                switch configuration.prediction {
                case .epsilon: #expect(ours.target.values == noise)
                case .v_prediction: #expect(relativeError(ours.target.values, velocity.rows(i, 1).values) < 1e-6, "\(name) at \(t)")
                }
            }
        }
    }

    @Test func modelDirectoriesAreRead() throws {
        for (name, steps, prediction) in [
            ("odd-a", 1000, SchedulerConfiguration.Prediction.epsilon), ("odd-b", 400, .v_prediction),
            ("odd-c", 1000, .epsilon),
        ] {
            let directory = Golden.models.appendingPathComponent("\(name)/scheduler")
            let schedule = NoiseSchedule(try SchedulerConfiguration(contentsOf: directory))
            #expect(schedule.steps == steps && schedule.prediction == prediction)
        }
    }

    @Test func everyFaultNamesFileAndKey() throws {
        let cases: [(json: String, says: String)] = [
            (#"{"prediction_type": "sample"}"#, "prediction_type \"sample\" is not supported"),
            (#"{"prediction_type": "flow"}"#, "must be one of epsilon, v_prediction"),
            (#"{"beta_schedule": "sigmoid"}"#, "beta_schedule \"sigmoid\""),
            (#"{"timestep_spacing": "random"}"#, "timestep_spacing"),
            (#"{"final_sigmas_type": "one"}"#, "final_sigmas_type"),
            (#"{"use_karras_sigmas": true, "use_exponential_sigmas": true}"#, "use_exponential_sigmas"),
            (#"{"timestep_type": "continuous", "prediction_type": "v_prediction"}"#, "timestep_type"),
            (#"{"_class_name": "FlowMatchEulerDiscreteScheduler"}"#, "_class_name is FlowMatchEulerDiscreteScheduler"),
            (#"{"_class_name": "EDMEulerScheduler", "num_train_timesteps": 1000}"#, "_class_name is EDMEulerScheduler"),
            (#"{"num_train_timesteps": 1}"#, "num_train_timesteps is 1"),
            (#"{"num_train_timesteps": "many"}"#, "num_train_timesteps has a value of the wrong type"),
            (#"{"beta_start": 0, "beta_end": 0}"#, "has no noise"), (#"{"trained_betas": [0, 0]}"#, "has no noise"),
            (#"{"num_train_timesteps": 3, "trained_betas": [0.1, 0.2]}"#, "trained_betas has 2"),
            (#"{"trained_betas": [0.1, 1.2]}"#, "trained_betas[1]"),
            (#"{"beta_start": -0.1}"#, "beta_start"),
            (#"{"beta_start": 0.5, "beta_end": 0.1}"#, "beta_end"),
            (#"{"steps_offset": 1000}"#, "steps_offset"),
            ("[1]", "not a JSON object"), ("{", "not a JSON object"),
        ]
        for (json, says) in cases {
            do {
                _ = try SchedulerConfiguration(json: Data(json.utf8), file: "scheduler_config.json")
                Issue.record("accepted: \(json)")
            } catch let error as ScheduleError {
                #expect(error.description.contains(says), "\(json): \(error)")
                #expect(error.description.hasPrefix("scheduler_config.json: "), "\(json): \(error)")
            }
        }
        #expect(throws: ScheduleError.self) {
            try SchedulerConfiguration(contentsOf: Golden.models.appendingPathComponent("odd-a/nothing"))
        }
    }
}
