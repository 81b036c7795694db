import Foundation
import ModelGoldens
import Testing
import Training
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
