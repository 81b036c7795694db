import Diffusion
import Jobs

/// The configurations of all parts of an SDXL model: what its size and its kind are.
struct ModelShape: Equatable, Sendable {
    var parts: [ModelPart: ConfigurationTable]
    var scheduler: ConfigurationTable

    subscript(part: ModelPart) -> ConfigurationTable {
        get { parts[part]! }
        set { parts[part] = newValue }
    }

    /// A ready-made size; `vocabulary` is the number of rows of the embedding tables.
    init(_ preset: ModelPreset, vocabulary: Int) {
        let size = preset.sizes
        parts = [
            .unet: Self.unet(size), .vae: Self.vae(size),
            .textEncoder: Self.textEncoder(size.text1, isSecond: false, vocabulary: vocabulary),
            .textEncoder2: Self.textEncoder(size.text2, isSecond: true, vocabulary: vocabulary),
        ]
        scheduler = Self.eulerScheduler
    }

    /// Changes one key: `unet.block_out_channels=[16, 32]`, `vae.latents_mean=[0, 0, 0, 0]`,
    /// `scheduler.prediction_type=v_prediction`. The value is JSON, or a bare word.
    ///
    /// Throws `Fault` for what is no such setting or a key that the part does not know.
    mutating func set(_ setting: String) throws(Fault) {
        let source = "--set \(setting)"
        guard let equals = setting.firstIndex(of: "="), let dot = setting[..<equals].firstIndex(of: ".") else {
            throw Fault(file: source, "is not PART.KEY=VALUE; write, for example, --set 'unet.block_out_channels=[32, 48, 64]'")
        }
        let name = String(setting[..<dot]), key = String(setting[setting.index(after: dot)..<equals])
        let value = ConfigurationValue(written: String(setting[setting.index(after: equals)...]))
        let names = ModelPart.allCases.map(\.rawValue) + ["scheduler"]
        guard names.contains(name) else {
            throw Fault(file: source, "there is no part \"\(name)\"; the parts are \(names.joined(separator: ", "))")
        }
        let part = ModelPart(rawValue: name)
        let known = (part.map { self[$0].keys + $0.furtherKeys } ?? scheduler.keys + Self.furtherSchedulerKeys).filter { !$0.hasPrefix("_") }
        guard known.contains(key) else {
            let near = Suggestion.nearest(to: key, among: known)
            throw Fault(file: source, "\(name) has no key \"\(key)\"; " + (near.map { "did you mean \($0)?" } ?? "the keys are \(known.joined(separator: ", "))"))
        }
        if let part { self[part][key] = value } else { scheduler[key] = value }
    }

    /// Throws `ModelError` where parts of one model do not fit each other; `directory` is what it names.
    func check(unet: UNetConfiguration, vae: VAEConfiguration, text1: CLIPConfiguration, text2: CLIPConfiguration, directory: String) throws {
        func fault(_ reason: String) -> ModelError { ModelError(path: directory, reason: reason) }
        let width = text1.width + text2.width
        for block in unet.blocks where block.hasAttention && block.promptWidth != width {
            throw fault("unet.cross_attention_dim is \(block.promptWidth), but the text encoders are \(text1.width) and \(text2.width) wide; make it \(width)")
        }
        guard text1.projection == nil, let pooled = text2.projection else {
            throw fault("only text_encoder_2 has a projection in SDXL; leave architectures as they are")
        }
        guard unet.pooledWidth == pooled else {
            throw fault("unet.projection_class_embeddings_input_dim is \(unet.additionWidth), but 6 × \(unet.timeIDWidth) (addition_time_embed_dim) and \(pooled) (text_encoder_2.projection_dim) need \(6 * unet.timeIDWidth + pooled)")
        }
        guard unet.inChannels == vae.latentChannels, unet.outChannels == vae.latentChannels else {
            throw fault("unet.in_channels is \(unet.inChannels) and unet.out_channels \(unet.outChannels), but vae.latent_channels is \(vae.latentChannels); make them the same")
        }
    }
}
