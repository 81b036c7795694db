import Images
import Tensors

/// SAM as a segmenter of boxes and points.
public struct SAMProposals: PromptSegmenter {
    private let sam: SAM
    /// Whether the masks for ambiguous prompts are offered too, or only the one for prompts that leave no doubt.
    private let offersAll: Bool

    public init(_ sam: SAM, offersAll: Bool) { (self.sam, self.offersAll) = (sam, offersAll) }

    public func look(at photo: RGBImage) -> any SegmentedPhoto { Look(sam: sam, embedding: sam.embed(photo), offersAll: offersAll) }

    private struct Look: SegmentedPhoto {
        let sam: SAM, embedding: ImageEmbedding, offersAll: Bool

        func proposals(_ prompt: SegmentationPrompt) throws -> [MaskProposal] {
            let candidates = try sam.segment(embedding, prompt) + (offersAll ? sam.segment(embedding, prompt, output: .candidates) : [])
            return candidates.map { candidate in
                Tape.paused {
                    MaskProposal(
                        logits: PixelMap(width: embedding.width, height: embedding.height, values: candidate.photoLogits().values),
                        predictedIoU: Double(candidate.predictedIoU))
                }
            }
        }
    }
}
