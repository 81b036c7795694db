import Files
import Foundation
import Tensors
import Weights

/// An SDXL model as diffusers saves it: `unet`, `vae`, `text_encoder`, `text_encoder_2`, their tokenizers, `scheduler`.
public struct SDXLDirectory: Sendable {
    public let path: String
    /// Another VAE's directory in place of the model's own.
    public let vaePath: String
    /// All directories that it is made of.
    public let places: [String]
    /// Which of its weights are read where there are both.
    public let variant: WeightVariant
    /// Its folders. What else lies beside them, such as single-file checkpoints and a second VAE, is not read.
    public static let parts = ["scheduler", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "unet", "vae"]

    public init(_ path: String, vae: String? = nil, variant: WeightVariant = .full) {
        self.path = path
        self.variant = variant
        vaePath = vae ?? path + "/vae"
        places = [path] + (vae.map { [$0] } ?? [])
    }

    /// What it is called: its folder's name; `NAME` of `models--ORG--NAME/snapshots/HASH` in a Hugging Face cache.
    public var name: String {
        let parts = URL(fileURLWithPath: path).pathComponents
        guard parts.count > 2, parts[parts.count - 2] == "snapshots", parts[parts.count - 3].hasPrefix("models--") else { return parts.last ?? path }
        return parts[parts.count - 3].components(separatedBy: "--").last!
    }

    public func unetConfiguration() throws -> UNetConfiguration { try UNetConfiguration(directory: path + "/unet") }

    /// The UNet's weights, mapped. Build one or more `UNet`s over it, then call its `finish()`.
    public func unetWeights() throws -> WeightStore {
        try WeightStore(directory: path + "/unet", baseName: "diffusion_pytorch_model", variant: variant)
    }

    /// The UNet with the adapters of `adapters`, nothing else over its weights.
    /// - Throws: `ModelError`, `WeightFaults`, `AdapterFaults`.
    public func loadUNet(adapters: AdapterSet? = nil, precision: ElementType = .float32) throws -> UNet {
        let configuration = try unetConfiguration(), weights = try unetWeights()
        let unet = UNet(weights.root.adapted(by: adapters), configuration, precision: precision)
        try weights.finish()
        try adapters?.finish()
        return unet
    }

    /// - Throws: `ModelError`, also for a VAE in place of the model's own whose latents are of another kind.
    public func vaeConfiguration() throws -> VAEConfiguration {
        let configuration = try VAEConfiguration(directory: vaePath), own = path + "/vae"
        // What cannot be read may be why it was replaced.
        guard vaePath != own, let replaced = try? VAEConfiguration(directory: own) else { return configuration }
        guard configuration.latentChannels == replaced.latentChannels, configuration.downsampling == replaced.downsampling,
            configuration.scalingFactor == replaced.scalingFactor, (configuration.latentsMean == nil) == (replaced.latentsMean == nil)
        else {
            throw ModelError(
                path: vaePath + "/config.json",
                reason: "this VAE makes latents of another kind (\(configuration.latentKind)) than the model's own (\(replaced.latentKind)); use one made for SDXL")
        }
        return configuration
    }

    /// - Throws: `ModelError`, `WeightFaults`.
    public func loadVAE() throws -> VAE {
        let configuration = try vaeConfiguration()
        let weights = try WeightStore(directory: vaePath, baseName: "diffusion_pytorch_model", variant: variant, aliases: [.oldAttention])
        let vae = VAE(weights.root, configuration)
        try weights.finish()
        return vae
    }

    /// - Parameter folder: `text_encoder` or `text_encoder_2`
    /// - Throws: `ModelError`, `WeightFaults`.
    public func loadTextEncoder(_ folder: String) throws -> CLIPTextEncoder {
        let configuration = try CLIPConfiguration(directory: path + "/" + folder)
        let weights = try WeightStore(
            directory: path + "/" + folder, baseName: "model", variant: variant, aliases: [.clipPrefix], ignoring: WeightStore.clipBuffers)
        let encoder = CLIPTextEncoder(weights.root, configuration)
        try weights.finish()
        return encoder
    }

    /// Refuses a model that says of itself that it is another one. A directory without model_index.json passes.
    /// - Throws: `ModelError`; `FileError` where that cannot be read.
    public func requireSDXL() throws {
        guard try Folder.destination(path + "/model_index.json") != nil else { return }
        let index = try ModelConfiguration(directory: path, file: "model_index.json")
        let kind = try index.string("_class_name", default: "StableDiffusionXLPipeline")
        guard kind.contains("StableDiffusionXL") else {
            throw ModelError(path: index.path, reason: "\"_class_name\" is \"\(kind)\", should be \"StableDiffusionXLPipeline\"; use an SDXL model")
        }
    }

    /// The forward process the model was trained on, and what it predicts.
    public func loadSchedule() throws -> NoiseSchedule {
        NoiseSchedule(try SchedulerConfiguration(contentsOf: URL(fileURLWithPath: path + "/scheduler")))
    }

    /// Residual blocks of each level of the UNet, where all have as many: kohya's names count by it.
    public func layersPerBlock() throws -> Int? {
        let layers = Set(try unetConfiguration().downLayers)
        return layers.count == 1 ? layers.first : nil
    }
}
