/// Sizes of models that are made with random weights.
public enum ModelPreset: String, CaseIterable, Sendable {
    /// For tests: a fraction of a second per training step.
    case tiny
    /// For the demonstration.
    case small
    /// SDXL's topology at a quarter of its width (the VAE at half): for measurements.
    case quarter
    /// The configuration of stabilityai/stable-diffusion-xl-base-1.0.
    case sdxl

    struct TextSize {
        let width, layers, heads: Int
    }

    struct Sizes {
        /// Level by level; every level but the first has attention. Heads are numbers of heads.
        let channels, depths, heads: [Int]
        let groups, layers: Int
        /// Width of one embedded number of `time_ids`.
        let timeIDWidth: Int
        let vaeChannels: [Int], vaeGroups: Int, vaeLayers: Int
        let text1, text2: TextSize
        /// Side of the pictures in pixels.
        let resolution: Int
    }

    var sizes: Sizes {
        switch self {
        case .tiny:
            Sizes(channels: [16, 24, 32], depths: [1, 1, 2], heads: [2, 3, 4], groups: 8, layers: 1, timeIDWidth: 8,
                  vaeChannels: [8, 8, 16, 16], vaeGroups: 4, vaeLayers: 1,
                  text1: TextSize(width: 24, layers: 2, heads: 2), text2: TextSize(width: 40, layers: 3, heads: 5), resolution: 256)
        case .small:
            Sizes(channels: [32, 64, 96], depths: [1, 1, 2], heads: [2, 4, 6], groups: 16, layers: 2, timeIDWidth: 32,
                  vaeChannels: [16, 32, 32, 32], vaeGroups: 8, vaeLayers: 1,
                  text1: TextSize(width: 64, layers: 3, heads: 2), text2: TextSize(width: 128, layers: 4, heads: 4), resolution: 256)
        case .quarter:
            Sizes(channels: [80, 160, 320], depths: [1, 2, 10], heads: [5, 10, 20], groups: 16, layers: 2, timeIDWidth: 64,
                  vaeChannels: [64, 128, 256, 256], vaeGroups: 32, vaeLayers: 2,
                  text1: TextSize(width: 192, layers: 12, heads: 3), text2: TextSize(width: 320, layers: 32, heads: 5), resolution: 512)
        case .sdxl:
            Sizes(channels: [320, 640, 1280], depths: [1, 2, 10], heads: [5, 10, 20], groups: 32, layers: 2, timeIDWidth: 256,
                  vaeChannels: [128, 256, 512, 512], vaeGroups: 32, vaeLayers: 2,
                  text1: TextSize(width: 768, layers: 12, heads: 12), text2: TextSize(width: 1280, layers: 32, heads: 20), resolution: 1024)
        }
    }
}
