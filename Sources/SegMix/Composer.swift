import Images
import Tensors

/// Makes layouts for mean-shifted noise out of a job's photos and masks.
public struct Composer {
    public let subjects: SubjectSet
    private let scales: [Double]?
    private let cache: PhotoCache

    /// - Parameter relativeScale: as in training composites.
    /// - Throws: `SegMixError` where it does not fit the subjects.
    public init(_ subjects: SubjectSet, relativeScale: RelativeScale, cache: PhotoCache = PhotoCache()) throws(SegMixError) {
        scales = try relativeScale.scales(for: subjects.subjects)
        (self.subjects, self.cache) = (subjects, cache)
    }

    /// Whether every subject has a photo with a mask.
    public var canCompose: Bool {
        subjects.photosOfSubject.allSatisfy { $0.contains { subjects.photos[$0].mask != nil } }
    }

    /// - Throws: `SegMixError` for a key that is not known, and for a subject without a mask.
    public func check(_ keys: [String]) throws(SegMixError) { for key in keys { _ = try maskedPhotos(of: key) } }

    private func maskedPhotos(of key: String) throws(SegMixError) -> (subject: Int, photos: [Photo]) {
        guard let subject = subjects.position(ofSubject: key) else {
            throw SegMixError("The layout names the subject \"\(key)\", which is not in the id table; correct the key.")
        }
        let photos = subjects.photosOfSubject[subject].map { subjects.photos[$0] }.filter { $0.mask != nil }
        guard !photos.isEmpty else {
            throw SegMixError("No photo of the subject \"\(key)\" has a mask, which mean-shifted noise (gamma above 0) needs; add one, or use gamma 0.")
        }
        return (subject, photos)
    }

    /// A layout of one photo of each subject in `keys`, drawn with `seed`, and its picture.
    ///
    /// - Parameter boxes: where each lies; nil: drawn too.
    /// - Throws: `SegMixError` for a key that is not known and a subject without a mask, `ImageError` for files that cannot be
    ///   used.
    public func composition(
        of keys: [String], boxes: [String: Composition.Box]? = nil, width: Int, height: Int, seed: UInt64
    ) throws -> (layout: Composition, picture: RGBImage) {
        var stream = RandomStream(seed: seed, purpose: .composition)
        var candidates: [CollagePlan.Candidate] = [], cutOuts: [String: CutOut] = [:]
        for key in keys {
            let (subject, photos) = try maskedPhotos(of: key)
            let photo = photos[stream.integer(in: 0...(photos.count - 1))], cutOut = try cache.cutOut(of: photo)
            candidates.append(.init(photo: photo, box: cutOut.box, scale: scales?[subject]))
            cutOuts[key] = cutOut
        }
        let layout = if let boxes {
            Composition.placed(
                zip(keys, candidates).map { key, candidate in
                    guard let box = boxes[key] else { preconditionFailure("Composer: no box for \(key)") }
                    return (candidate, box)
                }, width: width, height: height)
        } else {
            Composition.drawn(candidates, width: width, height: height, from: &stream)
        }
        let collage = Collage(width: width, height: height, layers: layout.placements.map { (cutOuts[$0.subject]!.image, $0.size, $0.x, $0.y) })
        return (layout, collage.picture)
    }
}
