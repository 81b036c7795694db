import Files
import Foundation

/// What a LoRA file says about itself, in the fields that ComfyUI, AUTOMATIC1111 and model sites read: `modelspec.*`
/// (Stability AI's model metadata specification 1.0.0) and `ss_*` (kohya's sd-scripts).
public struct LoRAInformation: Sendable {
    /// The job's name.
    public var title: String
    /// What a prompt says to call the subjects.
    public var triggerPhrases: [String]
    public var resolution: Int
    /// Whether the model predicts the velocity instead of the noise.
    public var velocityPrediction: Bool
    /// Whether its noise schedule ends in pure noise.
    public var zeroTerminalSNR: Bool
    public var baseModel: ModelHash
    /// Name of the base model's file or directory, without its path.
    public var baseModelName: String
    /// When the training began: with the job's start instead of "now" an interrupted run gives the same file.
    public var date: Date
    public var description: String?
    /// For each set of photos, how often each caption or phrase occurs in it.
    public var tagFrequency: [String: [String: Int]]
    /// Further fields (`ss_learning_rate`, `ss_seed`, `ss_max_train_steps` …), which win over the ones above.
    public var further: [String: String]

    public init(
        title: String, triggerPhrases: [String], resolution: Int, velocityPrediction: Bool = false, zeroTerminalSNR: Bool = false, baseModel: ModelHash, baseModelName: String,
        date: Date, description: String? = nil, tagFrequency: [String: [String: Int]] = [:], further: [String: String] = [:]
    ) {
        (self.title, self.triggerPhrases, self.resolution) = (title, triggerPhrases, resolution)
        (self.velocityPrediction, self.zeroTerminalSNR) = (velocityPrediction, zeroTerminalSNR)
        (self.baseModel, self.baseModelName, self.date) = (baseModel, baseModelName, date)
        (self.description, self.tagFrequency, self.further) = (description, tagFrequency, further)
    }

    /// The metadata of a file with adapters of this rank and alpha.
    func metadata(rank: Int, alpha: Float) -> [String: String] {
        let size = "\(resolution)x\(resolution)"
        var fields = [
            "modelspec.sai_model_spec": "1.0.0",
            "modelspec.architecture": "stable-diffusion-xl-v1-base/lora",
            "modelspec.implementation": "https://github.com/Stability-AI/generative-models",
            "modelspec.title": title,
            "modelspec.date": date.formatted(.iso8601),
            "modelspec.resolution": size,
            "modelspec.prediction_type": velocityPrediction ? "v" : "epsilon",
            "modelspec.trigger_phrase": triggerPhrases.joined(separator: ", "),
            "ss_output_name": title,
            "ss_base_model_version": "sdxl_base_v1-0",
            "ss_network_module": "networks.lora",
            "ss_network_dim": String(rank),
            "ss_network_alpha": plainNumber(alpha),
            "ss_v2": "False",
            "ss_v_parameterization": velocityPrediction ? "True" : "False",
            "ss_zero_terminal_snr": zeroTerminalSNR ? "True" : "False",
            "ss_sd_model_name": baseModelName,
            "ss_sd_model_hash": baseModel.short,
            "ss_new_sd_model_hash": baseModel.sha256,
            "ss_resolution": "(\(resolution), \(resolution))",
            "ss_training_started_at": String(date.timeIntervalSince1970),
        ]
        if let description { fields["modelspec.description"] = description }
        if !tagFrequency.isEmpty { fields["ss_tag_frequency"] = Self.json(tagFrequency) }
        return fields.merging(further) { $1 }
    }

    private static func json(_ table: [String: [String: Int]]) -> String {
        func object(_ pairs: [(String, String)]) -> String {
            "{" + pairs.sorted { $0.0 < $1.0 }.map { "\(JSON.quoted($0)): \($1)" }.joined(separator: ", ") + "}"
        }
        return object(table.map { ($0, object($1.map { ($0, String($1)) })) })
    }
}

/// Without the ".0" of a whole number.
func plainNumber(_ value: Float) -> String { Int(exactly: value).map(String.init) ?? String(value) }
