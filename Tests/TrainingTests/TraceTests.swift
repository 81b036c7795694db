import Diffusion
import Foundation
import ModelGoldens
import Tensors
import Testing
@testable import Training
import Weights

/// A trace has what an independent program needs to replay the run, under the names and in the shapes that are promised.
@Suite(.serialized) struct TraceTests {
    @Test func keysAndShapes() throws {
        var run = try SmallRun(steps: 3)
        run.sampler.batchSize = 2
        let end = try run.go(in: "out", traces: true)
        var composites = 0, losses: [Double] = []
        for micro in 0..<6 {
            let file = try SafetensorsFile(run.scratch.path + "/out/trace/step-00000\(micro).safetensors")
            let shapes = Dictionary(uniqueKeysWithValues: file.entries.map { ($0.name, $0.shape) })
            #expect(shapes == [
                "pixel_values": [4, 3, 64, 64], "mask": [4, 1, 8, 8], "vae_noise": [4, 4, 8, 8], "noise": [4, 4, 8, 8], "timesteps": [4], "loss": [1],
                "time_ids": [4, 6],
            ])
            #expect(file["timesteps"]!.type == .int64 && file.entries.allSatisfy { $0.name == "timesteps" || $0.type == .float32 })
            #expect(try file.integers("timesteps").allSatisfy { (0..<1000).contains($0) })
            let pixels = try file.floats("pixel_values"), mask = try file.floats("mask"), ids = try file.floats("time_ids")
            #expect(pixels.min()! >= -1 && pixels.max()! <= 1 && mask.min()! >= 0.5 && mask.max()! <= 1)
            losses.append(Double(try file.floats("loss")[0]))

            let prompts = try list(file, "prompts") as! [String], files = try list(file, "files") as! [[String]]
            let crops = try list(file, "crop"), collages = try list(file, "collage")
            #expect(prompts.count == 4 && files.count == 4 && crops.count == 4 && collages.count == 4)
            for i in 0..<4 {
                #expect(files[i].allSatisfy { $0.hasPrefix("prior/") == (i >= 2) && !$0.hasPrefix("/") })
                let own = Array(ids[6 * i..<6 * i + 6])
                guard let collage = collages[i] as? [String: Any] else {
                    #expect(collages[i] is NSNull)
                    let crop = try #require(crops[i] as? [Int])
                    #expect(files[i].count == 1 && own == [64, 64, Float(crop[1]), Float(crop[0]), 64, 64])
                    #expect(mask[64 * i..<64 * i + 64].allSatisfy { $0 == 1 })
                    continue
                }
                composites += 1
                #expect(crops[i] is NSNull && own == [64, 64, 0, 0, 64, 64] && prompts[i].hasSuffix(", simple background."))
                #expect(Set(collage.keys) == ["subjects", "left", "top"])
                let subjects = try #require(collage["subjects"] as? [[String: Any]])
                #expect(subjects.count == 2 && subjects.map { $0["file"] as! String } == files[i])
                for subject in subjects {
                    #expect(Set(subject.keys) == ["subject", "file", "mask", "box", "factor", "size", "x", "y"])
                    let box = try #require(subject["box"] as? [Int]), size = try #require(subject["size"] as? [Int]), factor = subject["factor"] as! Double
                    #expect(size == [max(1, Int(Double(box[2] - box[0]) * factor)), max(1, Int(Double(box[3] - box[1]) * factor))])
                }
            }
        }
        #expect(composites > 0)
        for (step, record) in end.observer.records.enumerated() {
            #expect(abs((losses[2 * step] + losses[2 * step + 1]) / 2 - record.loss) < 1e-6 * record.loss)
        }
        for name in ["lora-initial", "lora-final"] {
            let lora = try LoRAFile.read(run.scratch.path + "/out/trace/\(name).safetensors")
            #expect(lora.modules.count * 2 == end.weights.count)
            for module in lora.modules {
                let up = end.weights[module.name + ".lora_B.weight"]
                #expect(name == "lora-final" ? up == module.up : module.up.allSatisfy { $0 == 0 })
            }
        }
    }

    /// Another loop, fed with a trace alone, gives the same losses and ends with the same LoRA. Losses, accumulation,
    /// clipping and AdamW are written out here in double precision; the networks are those that PyTorch's goldens hold.
    @Test(arguments: [(0.0, true), (200.0, false), (200.0, true)]) func anotherLoopEndsWithTheSameLoRA(beta: Double, normalizes: Bool) throws {
        var run = try SmallRun(steps: 5)
        run.sampler.batchSize = 2
        run.settings.schedule = .init(.cosine, rate: 2e-2, warmupSteps: 2, totalSteps: 7, cycles: 1, power: 1)
        (run.settings.dcoBeta, run.settings.normalizesMaskedLoss, run.settings.priorWeight) = (beta, normalizes, 0.3)
        (run.settings.weightDecay, run.settings.beta1, run.settings.beta2, run.settings.epsilon) = (0.5, 0.8, 0.9, 1e-6)
        (run.settings.accumulation, run.settings.maxGradientNorm) = (3, beta > 0 ? 26 : 0.45)
        let end = try run.go(in: "out", traces: true)

        let s = run.settings, folder = run.scratch.path + "/out/trace/"
        let prompts = try Tape.paused { try PromptEncoder(run.model).encode(run.examples().prompts()) { _, _ in } }
        let model = try TrainingModel(run.model, settings: s, prompts: prompts)
        func lora(_ name: String) throws -> [String: [Float]] {
            let modules = try LoRAFile.read(folder + name + ".safetensors").modules
            return Dictionary(uniqueKeysWithValues: modules.flatMap { [($0.name + ".lora_A.weight", $0.down), ($0.name + ".lora_B.weight", $0.up)] })
        }
        let initial = try lora("lora-initial"), final = try lora("lora-final")
        var weights = initial.mapValues { $0.map(Double.init) }
        var first = weights.mapValues { $0.map { _ in 0.0 } }, second = first
        let parameters = model.adapters.parameters
        #expect(Set(parameters.map(\.name)) == Set(weights.keys))
        func load() {
            for (name, parameter) in parameters { for (i, value) in weights[name]!.enumerated() { parameter.value.floats[i] = Float(value) } }
        }
        load()

        var clipped = 0
        for step in 0..<s.steps {
            for micro in 3 * step..<3 * step + 3 {
                let file = try SafetensorsFile(folder + String(format: "step-%06d.safetensors", micro))
                func tensor(_ name: String) throws -> Tensor { Tensor(try file.floats(name), shape: file[name]!.shape) }
                let t = try file.integers("timesteps"), noise = try tensor("noise").channelsLast(), ids = try file.floats("time_ids")
                let latents = model.vae.latents(try tensor("pixel_values").channelsLast(), noise: try tensor("vae_noise").channelsLast())
                let (noisy, target) = model.schedule.noised(latents, noise: noise, timesteps: t)
                let mask = try tensor("mask").reshaped([4, 8, 8]), each = latents.count / 4
                func predicted(_ unet: UNet) throws -> Tensor {
                    unet(noisy, timesteps: t.map(Float.init), prompt: prompts.batch(try list(file, "prompts") as! [String]),
                         timeIDs: (0..<4).map { Array(ids[6 * $0..<6 * $0 + 6]) })
                }
                /// Σ mask·(p − target)² of each half by its share: all elements, or those that the mask lets count.
                func halves(_ p: Tensor) -> (values: [Double], shares: [Double]) {
                    let (p, y, m) = (p.values, target.values, mask.values)
                    var sums = [0.0, 0.0], wanted = [0.0, 0.0]
                    for i in p.indices {
                        let half = i / each / 2, weight = Double(m[i / 4])
                        sums[half] += weight * (Double(p[i]) - Double(y[i])) * (Double(p[i]) - Double(y[i]))
                        wanted[half] += normalizes ? weight : 1
                    }
                    return (zip(sums, wanted).map { $0 / $1 }, wanted)
                }
                let prediction = try predicted(model.unet), (losses, shares) = halves(prediction)
                var own = losses[0], slope = 1.0
                if beta > 0 {
                    let gap = beta * (losses[0] - halves(try Tape.paused { try predicted(model.base!) }).values[0])
                    (own, slope) = (log(1 + exp(gap)), beta / (1 + exp(-gap)))
                }
                let loss = own + 0.3 * losses[1], traced = Double(try file.floats("loss")[0])
                #expect(abs(traced / loss - 1) < 1e-4, "micro-step \(micro): \(traced), not \(loss)")
                let gradient = Tensor(uninitialized: prediction.shape), (p, y, m) = (prediction.values, target.values, mask.values)
                for i in p.indices {
                    let half = i / each / 2, outer = half == 0 ? slope : 0.3
                    gradient.floats[i] = Float(2 * outer / shares[half] / 3 * Double(m[i / 4]) * (Double(p[i]) - Double(y[i])))
                }
                prediction.backward(seed: gradient)
            }
            let gradients = Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0.parameter.gradient!.values.map(Double.init)) })
            let norm = gradients.values.joined().reduce(0) { $0 + $1 * $1 }.squareRoot()
            #expect(abs(end.observer.records[step].gradientNorm / norm - 1) < 1e-2)
            let scale = norm > s.maxGradientNorm ? s.maxGradientNorm / (norm + 1e-6) : 1
            clipped += scale < 1 ? 1 : 0
            // PyTorch's schedule: the rate of step n, counted from 0, with a warm-up of two steps and half a cosine over five.
            let rate = 2e-2 * (step < 2 ? Double(step) / 2 : 0.5 * (1 + cos(.pi * Double(step - 2) / 5)))
            for (name, parameter) in parameters {
                for (i, plain) in gradients[name]!.enumerated() {
                    let g = plain * scale
                    first[name]![i] = 0.8 * first[name]![i] + 0.2 * g
                    second[name]![i] = 0.9 * second[name]![i] + 0.1 * g * g
                    let m = first[name]![i] / (1 - pow(0.8, Double(step + 1))), v = second[name]![i] / (1 - pow(0.9, Double(step + 1)))
                    weights[name]![i] -= rate * (0.5 * weights[name]![i] + m / (v.squareRoot() + 1e-6))
                }
                parameter.zeroGradient()
            }
            load()
        }
        #expect(clipped > 0 && clipped < s.steps, "clipping should bite sometimes: \(end.observer.records.map(\.gradientNorm))")
        for kind in ["lora_A.weight", "lora_B.weight"] {
            let names = final.keys.filter { $0.hasSuffix(kind) }.sorted()
            func moved(_ to: (String) -> [Double]) -> [Float] { names.flatMap { zip(to($0), initial[$0]!).map { Float($0 - Double($1)) } } }
            let ours = moved { final[$0]!.map(Double.init) }
            #expect(relativeError(ours, moved { weights[$0]! }) < 1e-2, "\(kind)")
            #expect(ours.contains { abs($0) > 1e-2 }, "\(kind) hardly moved: this compares nothing")
        }
    }

    /// A trace of two runs, or of half a run, could not be replayed.
    @Test func aTraceIsOfOneWholeRun() throws {
        func refusal(_ run: SmallRun, _ folder: String = "out", stopAfter: Set<Int> = []) throws -> String? {
            do { _ = try run.go(in: folder, stopAfter: stopAfter, traces: true) } catch let error as TrainingError { return error.description }
            return nil
        }
        var run = try SmallRun(steps: 3)
        _ = try run.go(in: "late", stopAfter: [2])
        #expect(try refusal(run, "late")?.contains("trace/lora-initial.safetensors is missing") == true)
        #expect(try refusal(run) == nil)
        let whole = try run.scratch.names("out/trace").map { try run.scratch.data("out/trace/" + $0) }
        // What has ended goes on to be what it is.
        #expect(try refusal(run) == nil)
        try FileManager.default.removeItem(atPath: run.scratch.path + "/out/resume")
        #expect(try refusal(run)?.contains("trace/lora-final.safetensors ends a trace that is whole") == true)
        try FileManager.default.removeItem(atPath: run.scratch.path + "/out/trace/lora-final.safetensors")
        run.settings.steps = 2
        #expect(try refusal(run)?.contains("trace/step-00000") == true)
        run.settings.steps = 3
        run.settings.seed += 1
        #expect(try refusal(run)?.contains("trace/lora-initial.safetensors is of another run") == true)
        run.settings.seed -= 1
        // The same run, stopped before its first resume point, writes the same again.
        #expect(try refusal(run) == nil)
        #expect(try run.scratch.names("out/trace").map { try run.scratch.data("out/trace/" + $0) } == whole)
    }

    private func list(_ file: SafetensorsFile, _ key: String) throws -> [Any] {
        try JSONSerialization.jsonObject(with: Data(#require(file.metadata[key]).utf8)) as! [Any]
    }
}
