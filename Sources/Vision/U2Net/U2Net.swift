import Diffusion
import Foundation
import Layers
import Tensors
import Weights

/// U²-Net, which finds the salient object of a photo (Qin et al. 2020): eleven residual U-blocks in the shape of a
/// U-Net, whose six side outputs are fused into one map. U²-NetP is the same with narrow blocks; widths are those of
/// the file.
///
/// A directory holds `config.json` and `model.safetensors` with the original's key names, batch norms folded.
public struct U2Net {
    /// The side of the square that a photo is resized to.
    public let inputSize: Int
    private let encoder, decoder: [ResidualUBlock]
    /// Of the decoder's five stages from the top, then of the bottom.
    private let sides: [Conv2D]
    private let fusion: Conv2D

    /// - Throws: `ModelError`, `WeightFaults`, `SafetensorsError`, `FileError`.
    public init(directory: String) throws {
        let configuration = try ModelConfiguration(directory: directory)
        guard try configuration.string("model_type") == "u2net" else {
            throw ModelError(path: configuration.path, reason: "\"model_type\" is not \"u2net\"; name a directory that `make models` has made")
        }
        let size = try configuration.integer("input_size", default: 320, in: 32...1024)
        let store = try WeightStore(directory: directory, baseName: "model")
        self.init(store.root, inputSize: size)
        try store.finish()
    }

    init(_ weights: WeightScope, inputSize: Int) {
        self.inputSize = inputSize
        // A file that lacks a key, or has what is no kernel under it, is refused by `finish()`; until then any width will do.
        func width(_ key: String) -> Int {
            guard let shape = weights.shape(of: key + ".weight"), shape.count == 4, shape.allSatisfy((1...1 << 14).contains) else { return 1 }
            return shape[0]
        }
        func inner(_ stage: String) -> Int { width(stage + ".rebnconv1.conv_s1") }
        func outputs(_ stage: String) -> Int { width(stage + ".rebnconvin.conv_s1") }
        let depths: [ResidualUBlock.Depth] = [.pooled(7), .pooled(6), .pooled(5), .pooled(4), .dilated, .dilated]

        var widths = [3]
        encoder = depths.enumerated().map { i, depth in
            let stage = "stage\(i + 1)"
            defer { widths.append(outputs(stage)) }
            return ResidualUBlock(weights[stage], inputs: widths[i], inner: inner(stage), outputs: outputs(stage), depth)
        }
        var below = widths[6], sideWidths = [widths[6]]
        decoder = (1...5).reversed().map { i in
            let stage = "stage\(i)d", inputs = below + widths[i]
            below = outputs(stage)
            sideWidths.insert(below, at: 0)
            return ResidualUBlock(weights[stage], inputs: inputs, inner: inner(stage), outputs: below, depths[i - 1])
        }
        sides = (1...6).map { Conv2D(weights["side\($0)"], inputs: sideWidths[$0 - 1], outputs: 1) }
        fusion = Conv2D(weights["outconv"], inputs: 6, outputs: 1, size: 1)
    }

    /// How salient each pixel is, from 0 to 1: a normalised photo `[N, H, W, 3]` to `[N, H, W, 1]`.
    public func callAsFunction(_ photo: Tensor) -> Tensor {
        Tape.paused {
            var maps: [Tensor] = [], x = photo
            for (i, block) in encoder.enumerated() {
                if i > 0 { x = x.maxPooled() }
                x = block(x)
                maps.append(x)
            }
            var stages = [maps.removeLast()]
            for block in decoder {
                let beside = maps.removeLast()
                let h = stages[0].resizedBilinear(height: beside.shape[1], width: beside.shape[2])
                stages.insert(block(h.concatenated(beside)), at: 0)
            }
            var fused: Tensor?
            for (stage, side) in zip(stages, sides) {
                let map = side(stage).resizedBilinear(height: photo.shape[1], width: photo.shape[2])
                fused = fused?.concatenated(map) ?? map
            }
            return fusion(fused!).sigmoid()
        }
    }
}
