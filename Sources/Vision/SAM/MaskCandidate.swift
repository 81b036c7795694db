import Images
import Tensors

/// One mask that SAM gives for a prompt.
public struct MaskCandidate {
    /// `[4·grid, 4·grid]`, over the encoder's square; above 0: the object. It may refine a later prompt on the same photo.
    public let logits: Tensor
    /// What SAM believes the mask's intersection over union with the object to be.
    public let predictedIoU: Float
    let embedding: ImageEmbedding

    /// The logits at the photo's size, `[height, width]`: transformers' `post_process_masks` without its threshold.
    public func photoLogits() -> Tensor {
        let side = embedding.side, low = logits.reshaped([1, logits.shape[0], logits.shape[1], 1])
        let square = low.resizedBilinear(height: side, width: side).reshaped([side, side])
        let photo = square.rows(0, embedding.resizedHeight).columns(0, embedding.resizedWidth)
        return photo.reshaped([1, embedding.resizedHeight, embedding.resizedWidth, 1])
            .resizedBilinear(height: embedding.height, width: embedding.width).reshaped([embedding.height, embedding.width])
    }

    /// The mask at the photo's size: 255 where the logit is above 0, else 0.
    public func mask() -> GrayImage {
        let logits = photoLogits(), count = logits.count
        let bytes = withExtendedLifetime(logits) {
            [UInt8](unsafeUninitializedCapacity: count) { out, written in
                let values = logits.floats
                for i in 0..<count { out[i] = values[i] > 0 ? 255 : 0 }
                written = count
            }
        }
        return GrayImage(width: embedding.width, height: embedding.height, bytes: bytes)
    }
}
