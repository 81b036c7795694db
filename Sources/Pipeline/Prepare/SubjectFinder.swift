import Files
import Foundation
import Images
import Jobs
import Vision

/// Makes masks: by the subject's class where the job's model comes with both a detector and a segmenter, else by what stands out.
struct SubjectFinder {
    enum Kind {
        case detection(DetectionMasker)
        case saliency(SalientMasker)
    }

    let kind: Kind
    /// What `kind` works with, for a line of progress.
    let description: String
    /// What the masks depend on besides photo and class.
    let identity: String
    private let settings: PrepareSpecification

    /// Loads what the machine has.
    /// - Throws: `JobFailure` where models are missing, and what reading them throws.
    init(_ means: Preparation.Means, _ settings: PrepareSpecification) throws {
        let detector = means.model?.owlv2, segmenter = means.model?.sam
        if let detector, let segmenter {
            try DetectionOptions.requireModel(detector, "OWLv2", like: "google/owlv2-base-patch16-ensemble")
            try DetectionOptions.requireModel(segmenter, "SAM", like: "facebook/sam-vit-huge")
            let masker = try JobFailure.ofConfiguration {
                DetectionMasker(detector: OWLv2Boxes(try OWLv2(directory: detector)), segmenter: SAMProposals(try SAM(directory: segmenter), offersAll: false))
            }
            try self.init(
                .detection(masker), description: "OWLv2 and SAM", identity: "detection 2 " + DirectoryFingerprint.of([detector, segmenter]), settings)
            return
        }
        let models = try DefaultModels(configured: means.maskModels)
        let masker = try JobFailure.ofConfiguration {
            SalientMasker(
                try U2Net(directory: models.saliency), segmenter: SAMProposals(try SAM(directory: models.segmenter), offersAll: true), .init(settings))
        }
        try self.init(
            .saliency(masker), description: "U²-NetP and MobileSAM", identity: "saliency 2 " + DirectoryFingerprint.of([models.saliency, models.segmenter]), settings)
    }

    init(_ kind: Kind, description: String, identity: String, _ settings: PrepareSpecification) throws {
        (self.kind, self.description, self.settings) = (kind, description, settings)
        self.identity = digest(Data(identity.utf8), try JSONEncoder(.sortedKeys).encode(settings))
    }

    /// Whether masks of one photo differ from class to class; what stands out is the same for all.
    var looksForClasses: Bool { if case .detection = kind { true } else { false } }

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
        (threshold, leastAgreement) = (settings.saliencyThreshold, settings.leastAgreement)
        (mostRival, wholeFactor) = (settings.mostRival, settings.wholeFactor)
    }
}
