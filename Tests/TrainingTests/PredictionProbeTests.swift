import CPUDevice
import Diffusion
import Tensors
import Testing
@testable import Training

/// Models that say of themselves what they are not.
@Suite struct PredictionProbeTests {
    init() { CPUDevice.install() }

    private enum Kind: CaseIterable { case noise, velocity, nothing, untrained }

    /// Whether a probe speaks up, after so many pictures of time step `t`, of a model that predicts `kind` with an error of √`error`.
    private func complains(_ says: SchedulerConfiguration.Prediction, _ kind: Kind, t: Int = 500, pictures: Int = 6, error: Float = 0.3, brightness: Float = 0, isPlain: Bool = true) -> Bool {
        var c = SchedulerConfiguration()
        c.prediction = says
        let schedule = NoiseSchedule(c), count = 600
        var probe = PredictionProbe(schedule), complains = false
        for i in 0..<pictures {
            var stream = RandomStream(seed: 5, purpose: .noise, step: i)
            let e = stream.normals(count), z = stream.normals(count).map { $0 * 0.9 + brightness }, other = stream.normals(count)
            let (a, s) = (schedule.signal(t), schedule.noise(t))
            let prediction = (0..<count).map { j -> Float in
                let slip = other[j] * error.squareRoot()
                return switch kind {
                case .noise: e[j] + slip
                case .velocity: a * e[j] - s * z[j] + slip
                case .nothing: 0
                case .untrained: other[j]
                }
            }
            func tensor(_ values: [Float]) -> Tensor { Tensor(values, shape: [1, 10, 15, 4]) }
            do {
                try probe.look(at: tensor(prediction), latents: tensor(z), noise: tensor(e), timesteps: [t], isPlain: [isPlain])
            } catch { complains = true }
        }
        return complains
    }

    @Test(arguments: [320, 500, 690]) func whatIsSaidWronglyIsFound(_ t: Int) {
        for brightness in [Float(0), 1.5] {
            #expect(complains(.epsilon, .velocity, t: t, error: 0.1, brightness: brightness) && complains(.v_prediction, .noise, t: t, error: 0.1, brightness: brightness))
            for kind in [Kind.nothing, .untrained] {
                #expect(!complains(.epsilon, kind, t: t, brightness: brightness) && !complains(.v_prediction, kind, t: t, brightness: brightness))
            }
            #expect(!complains(.epsilon, .noise, t: t, brightness: brightness) && !complains(.v_prediction, .velocity, t: t, brightness: brightness))
        }
    }

    /// Too few pictures, composites, and the ends of the schedule say nothing.
    @Test func onlyWhatIsSureCounts() {
        #expect(!complains(.epsilon, .velocity, pictures: PredictionProbe.enough - 1) && complains(.epsilon, .velocity, pictures: PredictionProbe.enough))
        #expect(!complains(.epsilon, .velocity, isPlain: false) && !complains(.epsilon, .velocity, t: 100) && !complains(.epsilon, .velocity, t: 900))
    }
}
