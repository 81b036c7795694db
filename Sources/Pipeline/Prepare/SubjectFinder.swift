import Foundation
import Images
import Jobs
import Vision

/// Makes masks: by the subject's class where the job's model comes with a detector and a segmenter, else by what stands out.
struct SubjectFinder {
    enum Kind {
        case detection(DetectionMasker)
        case saliency(SalientMasker)
    }

    let kind: Kind
    /// What the masks depend on besides photo and class.
    let identity: String
    private let settings: PrepareSpecification

    init(_ kind: Kind, identity: String, _ settings: PrepareSpecification) throws {
        (self.kind, self.settings) = (kind, settings)
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        self.identity = digest(Data(identity.utf8), try encoder.encode(settings))
    }

    /// The mask of the one subject of a class.
    ///
    /// - Parameter generated: a prior image, which must hold exactly one and is drawn again where it does not.
    func mask(of className: String, in photo: RGBImage, generated: Bool) throws -> MaskResult {
        switch kind {
        case .saliency(let masker):
            return try masker.mask(of: photo)
        case .detection(let masker):
            var choice = BoxChoice.Settings(threshold: generated ? settings.priorThreshold : settings.photoThreshold)
            (choice.leastThreshold, choice.mergeOverlap, choice.clearFactor) = (settings.leastThreshold, settings.mergeOverlap, settings.clearFactor)
            choice.triesFurther = !generated
            return try masker.mask(of: className, in: photo, choice, margin: generated ? 0 : settings.boxMargin)
        }
    }
}

extension SalientMasker.Settings {
    init(_ settings: PrepareSpecification) {
        self.init()
        (threshold, leastAgreement, mostRival) = (settings.saliencyThreshold, settings.leastAgreement, settings.mostRival)
    }
}
