import Layers
import Tensors
import Weights

/// TinyViT (Wu et al. 2022) as MobileSAM uses it: a convolutional stage, then stages of attention within windows, and
/// SAM's neck. Batch norms are folded into the convolutions before them, in the file. Frozen.
struct TinyViT {
    private let first, second: Conv2D
    private let convolutional: [InvertedBottleneck]
    private let stages: [[TinyViTBlock]]
    private let steps: [PatchMerging]
    private let neck: SAMNeck

    init(_ weights: WeightScope, _ c: TinyViTConfiguration) {
        let patches = weights["patch_embed"]
        first = Conv2D(patches["conv1"], inputs: 3, outputs: c.widths[0] / 2, stride: 2, padding: Padding(1))
        second = Conv2D(patches["conv2"], inputs: c.widths[0] / 2, outputs: c.widths[0], stride: 2, padding: Padding(1))
        func blocks(_ stage: Int) -> WeightScope { weights["layers"][stage]["blocks"] }
        convolutional = (0..<c.depths[0]).map {
            InvertedBottleneck(blocks(0)[$0], width: c.widths[0], inner: Int(Double(c.widths[0]) * c.expansion))
        }
        stages = (1..<c.widths.count).map { stage in
            (0..<c.depths[stage]).map { TinyViTBlock(blocks(stage)[$0], c, stage: stage) }
        }
        steps = c.strides.indices.map {
            PatchMerging(weights["layers"][$0]["downsample"], inputs: c.widths[$0], outputs: c.widths[$0 + 1], stride: c.strides[$0])
        }
        neck = SAMNeck(weights["neck"], inputs: c.widths.last!, outputs: c.outputs)
    }

    /// Pixels `[1, imageSize, imageSize, 3]` to features `[1, grid, grid, outputs]`.
    func callAsFunction(_ pixels: Tensor) -> Tensor {
        var x = second(first(pixels).gelu())
        for block in convolutional { x = block(x) }
        for (step, blocks) in zip(steps, stages) {
            x = step(x)
            for block in blocks { x = block(x) }
        }
        return neck(x)
    }
}
