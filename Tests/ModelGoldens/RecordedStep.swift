import Diffusion
import Tensors

/// One recorded micro-step.
public struct RecordedStep {
    public let noisy, target, mask: Tensor, prompt: PromptEmbedding
    public let timesteps: [Float], timeIDs: [[Float]], maskMeans: [Double], elements: Int

    /// `images`: how many of the batch are used; `row`: the micro-step, where there are several.
    public init(_ golden: ModelGolden, _ key: String, images: Int, row: Int? = nil) throws {
        func image(_ name: String) -> Tensor { row.map { golden.image(key + "." + name, $0) } ?? golden.image(key + "." + name) }
        func plain(_ name: String) -> Tensor { row.map { golden.row(key + "." + name, $0) } ?? golden[key + "." + name] }
        let schedule = try golden.model.loadSchedule()
        let z = image("latents").rows(0, images), noise = image("noise").rows(0, images)
        let all = golden.integers(key + ".timestep")
        let perStep = row == nil ? all.count : all.count / golden[key + ".latents"].shape[0]
        let t = Array(all.dropFirst((row ?? 0) * perStep).prefix(images))
        timesteps = t.map(Float.init)
        (noisy, target) = schedule.noised(z, noise: noise, timesteps: t)
        let m = image("mask").rows(0, images)
        mask = m.reshaped(Array(m.shape.dropLast()))
        maskMeans = (0..<images).map { i in
            let values = m.rows(i, 1).values
            return values.reduce(0.0) { $0 + Double($1) } / Double(values.count)
        }
        prompt = PromptEmbedding(states: plain("context").rows(0, images), pooled: plain("pooled").rows(0, images))
        timeIDs = Array(golden.timeIDs(plain("time_ids")).prefix(images))
        elements = z.count / images
    }

    public func predict(_ unet: UNet, keep: Checkpointing = .keepEverything) -> Tensor {
        unet(noisy, timesteps: timesteps, prompt: prompt, timeIDs: timeIDs, keep: keep)
    }
}
