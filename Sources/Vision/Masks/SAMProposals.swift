import Images
import Tensors

/// SAM as a segmenter of boxes.
public struct SAMProposals: BoxSegmenter {
    private let sam: SAM
    /// Whether the masks for ambiguous prompts are offered too, or only the one for prompts that leave no doubt.
    private let offersAll: Bool

    public init(_ sam: SAM, offersAll: Bool) { (self.sam, self.offersAll) = (sam, offersAll) }

    public func proposals(in photo: RGBImage, box: PixelBox) -> [MaskProposal] {
        let embedding = sam.embed(photo)
        let prompt = SegmentationPrompt(box: .init(x0: Double(box.x0), y0: Double(box.y0), x1: Double(box.x1), y1: Double(box.y1)))
        let candidates = sam.segment(embedding, prompt) + (offersAll ? sam.segment(embedding, prompt, output: .candidates) : [])
        return candidates.map { candidate in
            Tape.paused {
                MaskProposal(
                    logits: PixelMap(width: photo.width, height: photo.height, values: candidate.photoLogits().values),
                    predictedIoU: Double(candidate.predictedIoU))
            }
        }
    }
}
