import Diffusion

/// The `vision_config` of MobileSAM's encoder, with the defaults of the published model for what it leaves out.
struct TinyViTConfiguration: Sendable {
    /// Per stage; `windows` and `heads` of the first stage, which is convolutional, mean nothing.
    let widths, depths, heads, windows: [Int]
    /// Of the step after each stage but the last.
    let strides: [Int]
    /// Of the first stage's convolutional blocks, and of the linear maps of the others, in widths of the stage.
    let expansion, inner: Double
    let localKernel, imageSize, outputs: Int

    /// Side of the grid of features.
    var grid: Int { strides.reduce(Self.step(Self.step(imageSize, 2), 2), Self.step) }

    /// Size after a 3×3 convolution of this stride with one zero around.
    static func step(_ size: Int, _ stride: Int) -> Int { (size - 1) / stride + 1 }

    init(_ c: ModelConfiguration) throws {
        try c.require("model_type", ["tiny_vit"])
        try c.require("num_channels", number: 3)
        let widths = try c.integers("embed_dims", default: [64, 128, 160, 320])
        self.widths = widths
        depths = try c.integers("depths", default: [2, 2, 6, 2])
        heads = try c.integers("num_heads", default: [2, 4, 5, 10])
        windows = try c.integers("window_sizes", default: [7, 7, 14, 7])
        strides = try c.integers("downsample_strides", default: [2, 2, 1])
        expansion = try c.number("mbconv_expand_ratio", default: 4)
        inner = try c.number("mlp_ratio", default: 4)
        localKernel = try c.integer("local_conv_size", default: 3, in: 1...31)
        imageSize = try c.integer("image_size", default: 1024, in: 1...(1 << 14))
        outputs = try c.integer("output_channels", default: 256)
        let lists = [depths, heads, windows]
        guard widths.count >= 2, lists.allSatisfy({ $0.count == widths.count }), strides.count == widths.count - 1 else {
            throw ModelError(
                path: c.path,
                reason: "the lists of vision_config do not fit together: embed_dims, depths, num_heads and window_sizes have one entry per stage, downsample_strides one less")
        }
        guard (widths + depths + heads + windows).allSatisfy({ $0 > 0 }), strides.allSatisfy({ $0 == 1 || $0 == 2 }),
            widths.allSatisfy({ $0.isMultiple(of: 2) }), zip(widths, heads).dropFirst().allSatisfy({ $0.isMultiple(of: $1) }),
            localKernel % 2 == 1, expansion > 0, expansion <= 64, inner > 0, inner <= 64
        else {
            throw ModelError(
                path: c.path,
                reason: "the numbers of vision_config cannot be: widths are even and divide into their heads, strides are 1 or 2, local_conv_size is odd; use the config.json that the conversion wrote")
        }
    }
}
