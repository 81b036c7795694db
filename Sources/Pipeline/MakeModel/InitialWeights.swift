import Weights

/// How a tensor of an untrained model is filled: so that what flows through the model stays near 1 in size.
enum InitialWeights: Equatable {
    case constant(Float)
    /// Normal with this standard deviation; the first `leadingRows` rows (output channels) times `leadingGain`.
    case normal(deviation: Float, leadingRows: Int = 0, leadingGain: Float = 1)

    /// Norm scales 1, biases 0, embeddings 0.02, matrices and kernels 1/√(inputs); what is added to a residual stream
    /// 0.4 of that, so that a deep one does not grow.
    ///
    /// The VAE's last encoder layer spreads the posterior's mean by 1/scaling_factor, and the first decoder layer takes it
    /// back, so that the latents the UNet sees have the size that SDXL's have.
    static func of(_ tensor: PlannedTensor, part: ModelPart, latentChannels: Int, scalingFactor: Float) -> InitialWeights {
        let name = tensor.key
        if tensor.shape.count == 1 { return .constant(name.hasSuffix(".bias") ? 0 : 1) }
        if name.hasSuffix("_embedding.weight") { return .normal(deviation: 0.02) }
        let inputs = tensor.shape.dropFirst().reduce(1, *)
        precondition(inputs > 0, "InitialWeights: \(name) \(tensor.shape)")
        let plain = 1 / Float(inputs).squareRoot()
        if part == .vae {
            switch name {
            case "quant_conv.weight": return .normal(deviation: plain, leadingRows: latentChannels, leadingGain: 1 / scalingFactor)
            case "post_quant_conv.weight": return .normal(deviation: plain * scalingFactor)
            default: break
            }
        }
        return .normal(deviation: residual.contains { name.hasSuffix($0) } ? 0.4 * plain : plain)
    }

    /// Ends of the names of the layers whose output is added to what went in.
    private static let residual = [
        ".conv2.weight", ".to_out.0.weight", ".ff.net.2.weight", ".proj_out.weight", ".out_proj.weight", ".mlp.fc2.weight",
    ]
}
