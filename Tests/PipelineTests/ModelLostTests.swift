import Foundation
import Testing

/// A model that is cut short or written to while a job uses it: one sentence, an end that is tried again, and then the same LoRA.
@Suite(.serialized) struct ModelLostTests {
    private static let unet = "model/unet/diffusion_pytorch_model.safetensors"
    private static let lora = "out/pytorch_lora_weights.safetensors"

    private static func workplace() throws -> Workplace {
        let place = try Workplace(steps: 60, more: "checkpointing_steps: 5")
        try place.useCopyOfModel()
        return place
    }

    private static let undisturbed = Result {
        let place = try workplace(), end = try place.train()
        #expect(end.status == 0, "\(end.errors)")
        return try place.data(lora)
    }

    private func lose(says: String, _ spoil: (String) throws -> Void) throws {
        let place = try Self.workplace(), path = place.path + "/" + Self.unet, whole = try place.data(Self.unet)
        let run = try place.starting("train")
        run.until { place.stepsWritten() >= 12 }
        try spoil(path)
        let end = run.end()
        #expect(end.status == 74 && end.signal == 0, "\(end.status), signal \(end.signal): \(end.errors)")
        let last = end.errors.split(separator: "\n").last.map(String.init) ?? ""
        #expect(last.contains(path) && last.contains(says) && last.contains("run the job again"), "\(end.errors)")
        #expect(place.stepsWritten() < 60 && !place.exists(Self.lora))

        try place.write(whole, Self.unet)
        let resumed = try place.train("--resume")
        #expect(resumed.status == 0, "\(resumed.errors)")
        #expect(try place.data(Self.lora) == Self.undisturbed.get())
    }

    /// Whatever part of the model is another one by now: half of a LoRA would be trained on each.
    @Test func exchangedWhileItWasStopped() throws {
        let place = try Self.workplace(), run = try place.starting("train")
        run.until { place.stepsWritten() >= 7 }
        run.send(SIGTERM)
        try #require(run.end().status == 75)
        for file in [Self.unet, "model/vae/diffusion_pytorch_model.safetensors", "model/text_encoder/model.safetensors"] {
            let whole = try place.data(file)
            try place.write(whole.dropLast(1) + [(whole.last! ^ 1)], file)
            let end = try place.train("--resume")
            #expect(end.status == 65 && end.errors.contains("the model is not what it was when"), "\(file) \(end.status): \(end.errors)")
            try place.write(whole, file)
        }
        #expect(try place.train("--resume").status == 0)
        #expect(try place.data(Self.lora) == Self.undisturbed.get())
    }

    @Test func cutShort() throws {
        try lose(says: "cut short") { #expect(truncate($0, 0) == 0) }
    }

    @Test func writtenTo() throws {
        try lose(says: "another program wrote to it") { path in
            let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
            try handle.seekToEnd()
            try handle.write(contentsOf: Data([0]))
            try handle.close()
        }
    }
}
