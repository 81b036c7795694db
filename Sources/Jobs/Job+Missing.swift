extension Job {
    /// The list of prior images, in the job's folder.
    public static let priorList = "prior/class_metadata.jsonl"

    /// Whether masks are needed at all: composites are cut out by them.
    public var needsMasks: Bool { specification.segmixProbability > 0 }

    /// Photos and prior images that have no mask, where masks are needed.
    public var unmasked: [PhotoEntry] {
        needsMasks ? (photos.photos + (priors?.photos ?? [])).filter { $0.mask == nil } : []
    }

    /// Whether prior images have yet to be made.
    public var lacksPriors: Bool { specification.withPriorPreservation && priors == nil }

    /// What must be made before the training: a fault for everything, by file and line.
    public var missing: [Fault] {
        var faults: [Fault] = []
        for (list, what) in [(Optional(photos), "photo"), (priors, "prior image")] {
            guard let list, needsMasks else { continue }
            for photo in list.photos where photo.mask == nil {
                faults.append(list.fault(of: photo, "\(list.isInferred ? "" : "the \(what) \(photo.file) ")has no mask; paint one and \(list.takesMask(of: photo)), let `segmix prepare` or `segmix run` make it, or set `segmix_prob: 0`"))
            }
        }
        if lacksPriors {
            faults.append(Fault(file: Self.priorList, "is not there, but `with_prior_preservation` (true unless it says otherwise) needs prior images with their list; let `segmix prepare` or `segmix run` make them, add the folder prior, or set `with_prior_preservation: false`, or `dco_beta: 1000`"))
        }
        return faults
    }
}

extension Job {
    /// Where a file of the job lies: what was made for it is called by its absolute path, everything else is relative to
    /// its folder.
    public func place(of file: String) -> String { file.hasPrefix("/") ? file : path + "/" + file }

    /// The class of the subject with this key.
    public func className(ofSubject key: String) -> String {
        guard let subject = photos.subjects.first(where: { $0.key == key }) else { preconditionFailure("no subject \(key)") }
        return className(of: subject)
    }
}
