import Images
import Tensors

/// The training examples of each micro-step: photos drawn without replacement, shown plain or mixed.
///
/// Everything is a pure function of (seed, micro-step, optimizer step, element): there is nothing to save, and a
/// resumed run sees what the run that was never stopped would have seen.
public struct ExampleSampler {
    public let settings: SamplerSettings
    public let instances: SubjectSet
    public let priors: SubjectSet?
    /// Pictures of all subjects together that joined the photos: each comes as often as a photo, always plain, with its own
    /// prompt. The subject of one says whose prior pictures accompany it.
    public let joined: [Photo]

    private let cache: PhotoCache
    private let scales: [Double]?
    private let order: PhotoOrder
    /// Photos, then what joined them: position in `instances.subjects` of the subject whose priors go with each.
    private let subjectOfPicture: [Int]
    /// For each of the instances' subjects the order of its prior photos, and its position in the prior set.
    private let priorOrders: [(order: PhotoOrder, subject: Int)]

    /// Throws `SegMixError` for settings out of range, for one subject where composites are wanted, for missing
    /// masks, captions and priors. Files are not read before they are drawn; see `readAll`.
    public init(
        _ settings: SamplerSettings, instances: SubjectSet, priors: SubjectSet? = nil, joined: [Photo] = [], cache: PhotoCache = PhotoCache()
    ) throws(SegMixError) {
        try settings.check()
        scales = try settings.relativeScale.scales(for: instances.subjects)
        if settings.segmixProbability > 0 && instances.subjects.count < 2 {
            throw SegMixError("There is one subject, but segmix_prob is \(settings.segmixProbability): mixing needs two; add the photos of a second one, or set segmix_prob to 0.")
        }
        let showsPlain = settings.segmixProbability < 1 || settings.segmixStartStep > 0
        for (photos, needCaptions) in [(instances.photos, showsPlain), (priors?.photos ?? [], showsPlain || !joined.isEmpty)] {
            for photo in photos {
                if settings.segmixProbability > 0 && photo.mask == nil {
                    throw SegMixError("\(photo.file) has no mask, which mixing needs; add one, or set segmix_prob to 0.")
                }
                if needCaptions && photo.captions.isEmpty {
                    throw SegMixError("\(photo.file) has no caption; give it a text.")
                }
            }
        }
        var priorOrders: [(PhotoOrder, Int)] = []
        if let priors {
            for (i, subject) in instances.subjects.enumerated() {
                guard let own = priors.position(ofSubject: subject.key) else {
                    throw SegMixError("The subject \"\(subject.key)\" (\(subject.phrase)) has no prior pictures; add some under the same key to the prior set.")
                }
                priorOrders.append((PhotoOrder(count: priors.photosOfSubject[own].count, seed: settings.seed, purpose: .priorOrder, index: i), own))
            }
        }
        self.priorOrders = priorOrders.map { (order: $0.0, subject: $0.1) }
        let subjectOfJoined = joined.map { instances.position(ofSubject: $0.subject) }
        for (photo, subject) in zip(joined, subjectOfJoined) where subject == nil || photo.captions.isEmpty {
            preconditionFailure("ExampleSampler: \(photo.file) joined with the subject \"\(photo.subject)\" and \(photo.captions.count) prompts")
        }
        subjectOfPicture = instances.subjectOfPhoto + subjectOfJoined.compactMap { $0 }
        order = PhotoOrder(count: (instances.photos.count + joined.count) * settings.repeats, seed: settings.seed, purpose: .photoOrder)
        (self.settings, self.instances, self.priors, self.joined, self.cache) = (settings, instances, priors, joined, cache)
    }

    /// The batch of one micro-step, counted from 0: the instance half, then (with priors) the prior half.
    ///
    /// `optimizerStep` is the step the micro-step belongs to. Throws `ImageError` or `SegMixError` for files that
    /// cannot be used.
    public func examples(microStep: Int, optimizerStep: Int) throws -> [TrainingExample] {
        var batch: [TrainingExample] = [], priorHalf: [TrainingExample] = []
        for i in 0..<settings.batchSize {
            let draw = microStep * settings.batchSize + i
            let picture = drawnPicture(draw), subject = subjectOfPicture[picture]
            let whole = picture < instances.photos.count ? nil : joined[picture - instances.photos.count]
            let mixes = whole == nil && mixes(microStep: microStep, element: i, optimizerStep: optimizerStep)
            batch.append(
                try whole.map { try plain($0, number: picture, isPrior: false, microStep, i) }
                    ?? example(of: picture, in: instances, isPrior: false, mixes: mixes, microStep, i))
            if let priors {
                let (order, own) = priorOrders[subject]
                let prior = priors.photosOfSubject[own][order[earlierDraws(of: subject, before: draw)]]
                priorHalf.append(try example(of: prior, in: priors, isPrior: true, mixes: mixes, microStep, i))
            }
        }
        return batch + priorHalf
    }

    /// Every prompt that can occur, each once: captions, then composites.
    /// - Parameter mayBeJoined: whether pictures may join later; the priors that go with them are plain.
    public func prompts(mayBeJoined: Bool = false) -> [String] {
        var seen: Set<String> = [], all: [String] = []
        func add(_ prompt: String) { if seen.insert(prompt).inserted { all.append(prompt) } }
        let showsPlain = settings.segmixProbability < 1 || settings.segmixStartStep > 0
        for (set, isPlain) in [(instances, showsPlain)] + (priors.map { [($0, showsPlain || mayBeJoined || !joined.isEmpty)] } ?? []) {
            if isPlain { set.photos.forEach { $0.captions.forEach(add) } }
            guard settings.segmixProbability > 0 else { continue }
            for drawn in set.subjects {
                let others = set.subjects.filter { $0 != drawn }
                for second in others.isEmpty ? [drawn] : others { add(Prompts.composite(drawn, second)) }
            }
        }
        joined.forEach { $0.captions.forEach(add) }
        return all
    }

    /// Reads every photo and mask once, so that faults show before training starts. `report` gets each error.
    /// - Parameter masksWillCome: whether a photo without a mask will have one: its cut-out may be all of it.
    /// - Returns: what they need when they are used.
    @discardableResult
    public func readAll(masksWillCome: Bool = false, report: (any Error) -> Void) -> PictureNeeds {
        var needs = PictureNeeds()
        for (photo, isPrior) in instances.photos.map({ ($0, false) }) + (priors?.photos ?? []).map({ ($0, true) }) {
            do {
                let picture = try ImageFile.readPhoto(photo.path, name: photo.file)
                let side = settings.resolution, long = try PlainPhoto.longSide(of: picture, side: side, name: photo.file)
                needs.cacheBytes += 3 * side * long
                needs.add(crops: settings.centerCrop ? 1 : long - side + 1, isPrior: isPrior)
                if masksWillCome, photo.mask == nil { needs.cacheBytes += picture.bytes.count }
                // Layouts need them too, where no example is mixed; but not those of prior images.
                guard let mask = photo.mask, let maskPath = photo.maskPath, !isPrior || masksWillCome || settings.segmixProbability > 0 else { continue }
                let file = try ImageFile.openMask(maskPath, name: mask)
                let cutOut = try CutOut(photo: picture, mask: file.mask, photoName: photo.file, maskName: mask)
                if settings.segmixProbability > 0 { needs.cacheBytes += cutOut.image.bytes.count }
                // What was made here has been looked at.
                if !mask.hasPrefix("/"), let doubt = try GivenMask.doubt(file.mask, isTransparent: file.isTransparent, orientation: file.orientation, photo: photo, name: mask) {
                    needs.doubts.append(doubt)
                }
            } catch { report(error) }
        }
        return needs
    }

    // MARK: Draws

    /// Position of the picture drawn as number `draw`, counted over the whole training: of a photo, or after all of them of
    /// one that joined.
    private func drawnPicture(_ draw: Int) -> Int { order[draw] % subjectOfPicture.count }

    /// How often pictures of `subject`, those that joined among them, were drawn before `draw`.
    private func earlierDraws(of subject: Int, before draw: Int) -> Int {
        let epoch = subjectOfPicture.count * settings.repeats
        let inFullEpochs = draw / epoch * subjectOfPicture.count { $0 == subject } * settings.repeats
        let started = order.permutation(round: draw / epoch).prefix(draw % epoch)
        return inFullEpochs + started.count { subjectOfPicture[$0 % subjectOfPicture.count] == subject }
    }

    private func mixes(microStep: Int, element: Int, optimizerStep: Int) -> Bool {
        var stream = RandomStream(seed: settings.seed, purpose: .segmixChoice, step: microStep, index: element)
        return stream.uniform() < settings.segmixProbability && optimizerStep >= settings.segmixStartStep
    }

    private func example(of photo: Int, in set: SubjectSet, isPrior: Bool, mixes: Bool, _ microStep: Int, _ element: Int) throws -> TrainingExample {
        mixes
            ? try composite(of: photo, in: set, isPrior: isPrior, microStep, element)
            : try plain(set.photos[photo], number: photo, isPrior: isPrior, microStep, element)
    }

    /// Goes on from `stream`, or, where what a picture shows comes out of a pool, draws its place in it and gives the stream of that place.
    /// - Parameter number: of the picture among those of its half of the batch.
    private func variant(number: Int, isPrior: Bool, purpose: RandomPurpose, from stream: inout RandomStream) -> Int? {
        guard settings.latentPool > 0 else { return nil }
        let variant = stream.integer(in: 0...(settings.latentPool - 1))
        stream = RandomStream(seed: settings.seed, purpose: purpose, step: 2 * number + (isPrior ? 1 : 0), index: variant)
        return variant
    }

    private func plain(_ photo: Photo, number: Int, isPrior: Bool, _ microStep: Int, _ element: Int) throws -> TrainingExample {
        let side = settings.resolution, latentSide = side / settings.latentFactor
        let resized = try cache.plain(photo, side: side)
        var stream = RandomStream(seed: settings.seed, purpose: isPrior ? .priorCrop : .crop, step: microStep, index: element)
        _ = variant(number: number, isPrior: isPrior, purpose: .pooledCrop, from: &stream)
        let (x, y) = resized.corner(side: side, centered: settings.centerCrop, from: &stream)
        // Instances and priors draw their captions from neighbouring streams.
        var captions = RandomStream(seed: settings.seed, purpose: .caption, step: microStep, index: 2 * element + (isPrior ? 1 : 0))
        return TrainingExample(
            picture: resized.image.cropped(to: PixelBox(x0: x, y0: y, x1: x + side, y1: y + side)),
            lossMask: [Float](repeating: 1, count: latentSide * latentSide),
            prompt: photo.captions[captions.integer(in: 0...(photo.captions.count - 1))],
            files: [photo.file], crop: [x, y], collage: nil, variant: nil,
            timeIDs: timeIDs(settings.cropConditioning ? (y, x) : (0, 0)), isPrior: isPrior)
    }

    private func composite(of photo: Int, in set: SubjectSet, isPrior: Bool, _ microStep: Int, _ element: Int) throws -> TrainingExample {
        let side = settings.resolution
        var stream = RandomStream(seed: settings.seed, purpose: isPrior ? .priorCollage : .collage, step: microStep, index: element)
        let variant = variant(number: photo, isPrior: isPrior, purpose: .pooledCollage, from: &stream)
        let subject = set.subjectOfPhoto[photo]
        // A prior set may have a single class: then it is mixed with itself.
        let others = set.subjects.indices.filter { $0 != subject }
        let second = others.isEmpty ? subject : others[stream.integer(in: 0...(others.count - 1))]
        let secondPhoto = set.photosOfSubject[second][stream.integer(in: 0...(set.photosOfSubject[second].count - 1))]

        let photos = [set.photos[photo], set.photos[secondPhoto]]
        let cutOuts = try photos.map(cache.cutOut)
        func candidate(_ i: Int, _ subject: Int) -> CollagePlan.Candidate {
            .init(photo: photos[i], box: cutOuts[i].box, scale: isPrior ? nil : scales?[subject])
        }
        let plan = CollagePlan.drawn((candidate(0, subject), candidate(1, second)),
                                     rules: CollageRules(side: side, sharesHeight: isPrior), from: &stream)
        let collage = Collage(plan, side: side, cutOuts: cutOuts)
        return TrainingExample(
            picture: collage.picture,
            lossMask: LossMask.weights(union: collage.union, side: side / settings.latentFactor, softAlpha: settings.softAlpha),
            prompt: Prompts.composite(set.subjects[subject], set.subjects[second]),
            files: photos.map(\.file), crop: nil, collage: plan, variant: variant, timeIDs: timeIDs((0, 0)), isPrior: isPrior)
    }

    private func timeIDs(_ topLeft: (Int, Int)) -> [Float] {
        let side = Float(settings.resolution)
        return [side, side, Float(topLeft.0), Float(topLeft.1), side, side]
    }
}
