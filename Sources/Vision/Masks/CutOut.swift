import Images

/// A part of a photo in its own resolution, and where it lies in the photo's working size.
struct CloseUp {
    /// In the working size, `width`×`height`.
    let place: PixelBox
    let picture: RGBImage
    private let width: Int, height: Int

    init(_ photo: RGBImage, at place: PixelBox, of whole: RGBImage) {
        (self.place, width, height) = (place, whole.width, whole.height)
        picture = photo.cropped(to: place.scaled(from: whole, to: photo)).reduced(to: SalientMasker.workingSide)
    }

    /// A map of the close-up's size in the working size, `fill` around it.
    func placed(_ map: PixelMap, fill: Float) -> PixelMap {
        map.resized(width: place.width, height: place.height).placed(at: place, width: width, height: height, fill: fill)
    }

    /// A box of the working size as the close-up sees it.
    func box(_ box: PixelBox) -> PixelBox {
        PixelBox(x0: max(box.x0, place.x0), y0: max(box.y0, place.y0), x1: min(box.x1, place.x1), y1: min(box.y1, place.y1))
            .moved(by: place).scaled(from: (place.width, place.height), to: (picture.width, picture.height))
    }
}

/// A subject that is known roughly, segmented twice: in the whole photo and in its surroundings. Each time the candidate is
/// taken that agrees best with what is known; the two chosen masks' logits are added.
struct CutOut {
    /// In the working size.
    let logits: PixelMap, mask: BinaryMask
    let predictedIoU: Double
    /// Intersection over union of the mask and what was known, of the two chosen masks.
    let agreement, consistency: Double

    /// A logit that is surely background.
    private static let outside: Float = -8

    /// nil where nothing is offered.
    init?(of known: BinaryMask, in box: PixelBox, whole: any SegmentedPhoto, near: any SegmentedPhoto, _ closeUp: CloseUp) throws {
        let close = try near.proposals(in: closeUp.box(box)).map {
            MaskProposal(logits: closeUp.placed($0.logits, fill: Self.outside), predictedIoU: $0.predictedIoU)
        }
        guard let a = try whole.proposals(in: box).bestMatch(of: known)?.proposal, let b = close.bestMatch(of: known)?.proposal else { return nil }
        logits = a.logits + b.logits
        mask = logits.above(0).cleaned()
        predictedIoU = (a.predictedIoU + b.predictedIoU) / 2
        agreement = mask.intersectionOverUnion(known)
        consistency = a.logits.above(0).cleaned().intersectionOverUnion(b.logits.above(0).cleaned())
    }
}
