import CPUDevice
import Diffusion
import ModelGoldens
import Tensors
import Testing
@testable import Training

/// What is planned is what happens: the bytes of a real micro-step, and the choice that follows from them.
@Suite(.serialized) struct StepPlannerTests {
    private static let rates: Work.Rates = Dictionary(uniqueKeysWithValues: Work.Kind.allCases.flatMap { kind in
        ElementType.allCases.map { (Work.Item(kind, $0), kind == .memory || kind == .widening ? 1e10 : 1e11) }
    })

    /// Many small images, where the UNet's part counts: the VAE looks at one at a time.
    private func planner(dco: Double = 0, images: Int = 2, side: Int = 128, precision: ElementType = .float32) throws -> (StepPlanner, SmallRun) {
        var run = try SmallRun(steps: 2)
        run.settings.dcoBeta = dco
        run.settings.precision = precision
        return (try StepPlanner(run.model, settings: run.settings, batch: .init(images: images, instances: 1, side: side)), run)
    }

    /// The most that the real device holds while it trains is what was planned, within a few small tensors and pages.
    @Test(arguments: [Checkpointing.keepEverything, .recompute], [(0.0, ElementType.float32), (20, .float32), (0, .bfloat16)])
    func plannedBytesAreTheRealOnes(_ keep: Checkpointing, _ kind: (dco: Double, precision: ElementType)) throws {
        let (planner, run) = try planner(dco: kind.dco, precision: kind.precision)
        var bigger = run
        bigger.sampler.resolution = 128
        let device = CPUDevice.install()
        let before = device.liveBytes
        device.resetPeak()
        _ = try bigger.go(in: "out", keep: keep)
        let real = device.peakBytes - before, planned = planner.step(keep).peakBytes
        // Prompts, and tables in blocks of whole pages, come on top.
        #expect(abs(Double(real) / Double(planned) - 1) < 0.15, "\(real) bytes, \(planned) planned")
    }

    /// Where bfloat16 is only kept and not multiplied, too.
    @Test func bfloat16NeedsLessMemory() throws {
        // Making a run installs a device.
        var run = try SmallRun(steps: 2)
        func bytes(_ precision: ElementType) throws -> Int {
            run.settings.precision = precision
            return try Devices.using(CPUDevice(multipliesBFloat16: false)) {
                try StepPlanner(run.model, settings: run.settings, batch: .init(images: 24, instances: 1, side: 64)).step(.keepEverything).peakBytes
            }
        }
        let wide = try bytes(.float32), narrow = try bytes(.bfloat16)
        #expect(Double(narrow) < 0.8 * Double(wide), "\(narrow), not much below \(wide)")
    }

    @Test func aSecondPlanIsTheFirst() throws {
        let (planner, _) = try planner(images: 24, side: 64)
        let first = planner.step(.keepEverything), all = planner.step(.recompute), again = planner.step(.keepEverything)
        #expect(first.peakBytes == again.peakBytes && first.work == again.work)
        #expect(all.peakBytes < first.peakBytes && all.work.operations > first.work.operations)
        // The encoder's part is in both.
        #expect(planner.encoding().work.operations > 0 && first.work.operations > 2 * planner.encoding().work.operations)
        #expect(planner.update().bytesMoved > 0)
    }

    @Test func asFewBlocksAsWillDo() throws {
        let (planner, _) = try planner(images: 24, side: 64)
        let whole = planner.step(.keepEverything).peakBytes, least = planner.step(.recompute).peakBytes, count = planner.blocks().count
        func choice(_ budget: Int) -> CheckpointingChoice { CheckpointingChoice(fitting: budget, planner: planner, rates: Self.rates) }
        let all = choice(whole)
        #expect(all.keep == .keepEverything && all.recomputed == 0 && all.plan.peakBytes == whole && all.blocks == count)
        var last = 0, previous = 0.0
        for part in [0.9, 0.6, 0.3, 0.0] {
            let budget = least + Int(Double(whole - least) * part), some = choice(budget)
            #expect(some.plan.peakBytes <= budget && some.recomputed >= last && some.recomputed > 0)
            #expect(some.plan.work.seconds(at: Self.rates) >= previous)
            (last, previous) = (some.recomputed, some.plan.work.seconds(at: Self.rates))
        }
        // Nothing fits: everything is computed again, and the caller sees by how much it is too large.
        let none = choice(least / 2)
        #expect(none.keep == .recompute || none.recomputed > 0)
        #expect(none.plan.peakBytes > least / 2)
    }

    @Test func blocksCostWhatTheySay() throws {
        let (planner, _) = try planner()
        let blocks = planner.blocks()
        #expect(blocks.allSatisfy { $0.bytes >= 0 && $0.work.operations > 0 })
        let whole = planner.step(.keepEverything).work, all = planner.step(.recompute).work
        let again = blocks.reduce(0) { $0 + $1.work.operations }
        #expect(abs(all.operations - whole.operations - again) < 1e-6 * whole.operations)
    }

    @Test func rendersAreCounted() throws {
        let (planner, _) = try planner()
        let guided = planner.render(width: 64, height: 128, guided: true), alone = planner.render(width: 64, height: 128, guided: false)
        #expect(guided.sampling.work.operations > 1.9 * alone.sampling.work.operations && guided.decoding.work == alone.decoding.work)
        #expect(alone.decoding.work.operations > 0 && guided.sampling.peakBytes > 0)
    }
}
