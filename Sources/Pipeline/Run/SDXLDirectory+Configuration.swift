import Diffusion
import Jobs

extension SDXLDirectory {
    /// Where a model of the configuration lies.
    init(_ model: Configuration.Model) { self.init(model.base, vae: model.vae, variant: model.variant == .fp16 ? .fp16 : .full) }
}
