import Diffusion
import Weights

/// Everything a training step computes with. Prompts are encoded already; the text encoders are not here.
public struct TrainingModel {
    public let adapters: AdapterSet
    public let unet: UNet
    /// The same UNet without adapters over the same weights, for DCO.
    public let base: UNet?
    public let vae: VAE
    public let schedule: NoiseSchedule
    public let prompts: PromptTable
    /// The UNet's weights.
    public let files: [SafetensorsFile]

    /// Loads UNet and VAE of a model directory.
    /// - Parameter adapters: those to be used in place of fresh ones.
    /// - Throws: `ModelError`, `WeightFaults`, `ScheduleError`.
    public init(_ model: SDXLDirectory, settings: TrainingSettings, prompts: PromptTable, adapters known: AdapterSet? = nil) throws {
        adapters = known ?? AdapterSet(rank: settings.rank, alpha: Float(settings.rank), seed: settings.seed)
        let configuration = try model.unetConfiguration(), weights = try model.unetWeights()
        unet = UNet(weights.root.adapted(by: adapters), configuration, precision: settings.precision)
        base = settings.dcoBeta > 0 ? UNet(weights.root, configuration, precision: settings.precision) : nil
        try weights.finish()
        vae = try model.loadVAE()
        schedule = try model.loadSchedule()
        self.prompts = prompts
        files = weights.files
        guard configuration.dropout == 0 else {
            throw ModelError(path: model.path + "/unet/config.json", reason: "\"dropout\" is \(configuration.dropout), and a UNet is trained without; set it to 0")
        }
        try configuration.requireLatents(of: vae.configuration, at: model.path)
    }
}
