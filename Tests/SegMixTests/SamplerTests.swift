import Foundation
import Images
@testable import SegMix
import Testing

@Suite struct SamplerTests {
    static let instances = try! SubjectSet(
        subjects: [Subject(key: "a", phrase: "olis toy"), Subject(key: "b", phrase: "hta corgi")],
        photos: [CollageGoldens.photo("a00", captions: ["one", "two"]), CollageGoldens.photo("b00", captions: ["three"]), CollageGoldens.photo("b01", captions: ["four"])])
    static let priors = try! SubjectSet(
        subjects: [Subject(key: "b", phrase: "Corgi"), Subject(key: "a", phrase: "Toy")],
        photos: ["b00", "b01", "a00"].map { CollageGoldens.photo($0, captions: ["A photo of \($0)"]) })

    static func settings(_ change: (inout SamplerSettings) -> Void = { _ in }) -> SamplerSettings {
        var settings = SamplerSettings(resolution: 64, batchSize: 2, segmixProbability: 0.5, softAlpha: 0.25, seed: 9)
        change(&settings)
        return settings
    }

    static func sampler(_ change: (inout SamplerSettings) -> Void = { _ in }, priors: SubjectSet? = priors) throws -> ExampleSampler {
        try ExampleSampler(settings(change), instances: instances, priors: priors)
    }

    @Test func aResumedRunSeesTheSame() throws {
        let whole = try Self.sampler(), resumed = try ExampleSampler(Self.settings(), instances: Self.instances, priors: Self.priors, cache: PhotoCache(capacity: 0))
        let batches = try (0..<12).map { try whole.examples(microStep: $0, optimizerStep: $0 / 2) }
        for step in (7..<12).reversed() { #expect(try resumed.examples(microStep: step, optimizerStep: step / 2) == batches[step]) }
        #expect(try Self.sampler { $0.seed = 10 }.examples(microStep: 0, optimizerStep: 0) != batches[0])
        #expect(batches.allSatisfy { $0.count == 4 && $0.map(\.isPrior) == [false, false, true, true] })
    }

    @Test func epochs() throws {
        let sampler = try Self.sampler { $0.repeats = 2; $0.batchSize = 4; $0.segmixProbability = 0 }
        let examples = try (0..<30).map { try sampler.examples(microStep: $0, optimizerStep: 0) }
        let drawn = examples.flatMap { $0.filter { !$0.isPrior }.map(\.files[0]) }
        #expect(drawn.count == 120)
        for start in stride(from: 0, to: 120, by: 6) {
            let epoch = drawn[start..<start + 6]
            for file in ["a00.jpg", "b00.jpg", "b01.jpg"] { #expect(epoch.count { $0 == file } == 2) }
        }
        #expect(Set(stride(from: 0, to: 120, by: 6).map { drawn[$0..<$0 + 6].joined() }).count > 5)
        // Of a subject's priors none comes a second time before all have come once.
        let priors = examples.flatMap { $0.filter(\.isPrior).map(\.files[0]) }
        #expect(zip(drawn, priors).allSatisfy { $0.first == $1.first })
        let corgis = priors.filter { $0.hasPrefix("b") }
        for start in stride(from: 0, to: corgis.count - 1, by: 2) { #expect(corgis[start] != corgis[start + 1]) }
        #expect(Set(stride(from: 0, to: corgis.count - 1, by: 2).map { corgis[$0] }).count == 2)
    }

    /// Pictures that joined come as often as photos, whole and plain, whatever `segmix_prob` is; prior pictures stay evenly drawn.
    @Test func joinedPictures() throws {
        let joined = [("a", "b00"), ("b", "b01")].map { key, file in
            Photo(
                subject: key, file: "samples/\(file).jpg", path: CollageGoldens.folder.path + "/\(file).jpg", mask: nil, maskPath: nil,
                captions: ["all of them \(file)"])
        }
        func sampler(_ cache: PhotoCache = PhotoCache()) throws -> ExampleSampler {
            try ExampleSampler(
                Self.settings { $0.batchSize = 5; $0.segmixProbability = 1 }, instances: Self.instances, priors: Self.priors, joined: joined, cache: cache)
        }
        let one = try sampler(), other = try sampler(PhotoCache(capacity: 0))
        #expect(Set(joined.flatMap(\.captions)).isSubset(of: one.prompts()))
        let batches = try (0..<40).map { try one.examples(microStep: $0, optimizerStep: 0) }
        // Before it is known what joins, all prompts but theirs are.
        let before = try ExampleSampler(Self.settings { $0.segmixProbability = 1 }, instances: Self.instances, priors: Self.priors)
        let foreseen = Set(before.prompts(mayBeJoined: true) + joined.flatMap(\.captions))
        #expect(Set(batches.joined().map(\.prompt)).isSubset(of: foreseen) && foreseen == Set(one.prompts()) && Set(before.prompts()) != foreseen)
        for step in [39, 3] { #expect(try other.examples(microStep: step, optimizerStep: 0) == batches[step]) }
        var priors: [String: Int] = [:]
        for batch in batches {
            // An epoch is three photos and two joined pictures.
            #expect(Set(batch.prefix(5).map(\.files[0])) == ["a00.jpg", "b00.jpg", "b01.jpg", "samples/b00.jpg", "samples/b01.jpg"])
            for (example, prior) in zip(batch.prefix(5), batch.suffix(5)) {
                let isJoined = example.files[0].hasPrefix("samples/")
                #expect(example.isComposite != isJoined && prior.isPrior && prior.isComposite != isJoined)
                if isJoined {
                    #expect(example.prompt == "all of them " + example.files[0].dropFirst(8).prefix(3) && example.files.count == 1)
                    #expect(example.lossMask.allSatisfy { $0 == 1 } && example.crop != nil)
                    #expect(prior.files[0].first == (example.files[0].contains("b00") ? "a" : "b"))
                } else {
                    #expect(prior.files[0].first == example.files[0].first && !example.files[1].hasPrefix("samples/"))
                }
                priors[prior.files[0], default: 0] += 1
            }
        }
        // Of b three pictures in an epoch, of which each prior has half.
        #expect(priors == ["a00.jpg": 80, "b00.jpg": 60, "b01.jpg": 60])
        // Without them nothing is changed.
        let plain = try Self.sampler(), empty = try ExampleSampler(Self.settings(), instances: Self.instances, priors: Self.priors, joined: [])
        for step in 0..<6 { #expect(try plain.examples(microStep: step, optimizerStep: 0) == empty.examples(microStep: step, optimizerStep: 0)) }
    }

    /// Out of a pool: never more pictures of a photo than it holds, all of them used, the rest of an example as without it.
    @Test func aPoolOfCropsAndComposites() throws {
        let pooled = try Self.sampler { $0.latentPool = 3 }, without = try Self.sampler()
        var crops: [String: Set<[Int]>] = [:], pictures: [String: [Int: TrainingExample]] = [:], halves: Set<[Bool]> = []
        for step in 0..<120 {
            let batch = try pooled.examples(microStep: step, optimizerStep: step), new = try without.examples(microStep: step, optimizerStep: step)
            for (example, other) in zip(batch, new) {
                #expect(example.files[0] == other.files[0] && example.isComposite == other.isComposite && example.isPrior == other.isPrior && other.variant == nil)
                let key = "\(example.files[0]) \(example.isPrior)"
                guard let plan = example.collage else {
                    #expect(example.variant == nil && example.prompt == other.prompt)
                    crops[key, default: []].insert(example.crop!)
                    continue
                }
                let variant = try #require(example.variant)
                if let known = pictures[key]?[variant] { #expect(example == known) }
                pictures[key, default: [:]][variant] = example
                halves.insert([plan.left == 0, plan.top == 0])
            }
        }
        #expect(crops.count == 6 && crops.values.allSatisfy { $0.count == 2 || $0.count == 3 } && crops.values.contains { $0.count == 3 })
        #expect(pictures.count == 6 && pictures.values.allSatisfy { Set($0.keys) == [0, 1, 2] })
        // 18 composites, and no two the same: of the photos, of the priors, of one place in the pool.
        #expect(Set(pictures.values.flatMap { $0.values.map(\.picture.bytes) }).count == 18 && halves.count == 4)
        // A resumed run finds the same ones; another seed has others.
        let resumed = try Self.sampler { $0.latentPool = 3 }
        #expect(try resumed.examples(microStep: 77, optimizerStep: 77) == pooled.examples(microStep: 77, optimizerStep: 77))
        let other = try Self.sampler { ($0.latentPool, $0.seed, $0.segmixProbability) = (3, 10, 1) }
        #expect(try other.examples(microStep: 0, optimizerStep: 0).allSatisfy { example in
            !pictures.values.contains { $0.values.contains { $0.picture == example.picture } }
        })
    }

    @Test func composites() throws {
        let sampler = try Self.sampler { $0.relativeScale = .ratio(0.5); $0.segmixProbability = 1 }
        var lefts = 0, priorLefts = 0, tops = 0
        for step in 0..<60 {
            let batch = try sampler.examples(microStep: step, optimizerStep: 0)
            for (i, example) in batch.enumerated() {
                let plan = try #require(example.collage)
                #expect(example.crop == nil && example.files == plan.subjects.map(\.file))
                #expect(plan.subjects[0].subject != plan.subjects[1].subject)
                #expect(example.timeIDs == [64, 64, 0, 0, 64, 64])
                #expect(example.lossMask.count == 64 && example.lossMask.min()! >= 0.25 && example.lossMask.max()! == 1)
                let names = example.isPrior ? ["a": "Toy", "b": "Corgi"] : ["a": "olis toy", "b": "hta corgi"]
                #expect(example.prompt == "a photo of a \(names[plan.subjects[0].subject]!) and a \(names[plan.subjects[1].subject]!), simple background.")
                let parts = plan.subjects.map { $0.factor / CollageRules(side: 64, sharesHeight: false).fullFactor(of: $0.box) }
                if example.isPrior {
                    #expect(plan.subjects[0].y == plan.subjects[1].y && parts.allSatisfy { $0 >= 0.75 })
                    #expect(plan.subjects[0].subject == batch[i - 2].collage!.subjects[0].subject)
                    priorLefts += plan.left
                } else {
                    for (part, place) in zip(parts, plan.subjects) { #expect(abs(part - (place.subject == "a" ? 1 : 0.5)) < 1e-12) }
                    lefts += plan.left
                    tops += plan.top == plan.left ? 1 : 0
                }
            }
        }
        // 120 fair coins: six standard deviations.
        for heads in [lefts, priorLefts, tops] { #expect(abs(heads - 60) < 33, "\(heads)") }
    }

    @Test func startStepIsTheOptimizerSteps() throws {
        let sampler = try Self.sampler { $0.segmixProbability = 1; $0.segmixStartStep = 3 }
        for step in 0..<12 {
            let batch = try sampler.examples(microStep: step, optimizerStep: step / 2)
            #expect(batch.allSatisfy { $0.isComposite == (step >= 6) })
        }
    }

    @Test func plainPictures() throws {
        let sampler = try Self.sampler({ $0.segmixProbability = 0; $0.cropConditioning = true }, priors: nil)
        let centered = try Self.sampler({ $0.segmixProbability = 0; $0.centerCrop = true }, priors: nil)
        var captions: Set<String> = [], corners: Set<[Int]> = []
        for step in 0..<40 {
            for example in try sampler.examples(microStep: step, optimizerStep: step) {
                let photo = try ImageFile.readPhoto(CollageGoldens.folder.appending(path: example.files[0]).path)
                let (w, h) = (photo.width, photo.height)
                let resized = w <= h ? photo.resized(width: 64, height: 64 * h / w, .bilinear) : photo.resized(width: 64 * w / h, height: 64, .bilinear)
                let corner = try #require(example.crop)
                let box = PixelBox(x0: corner[0], y0: corner[1], x1: corner[0] + 64, y1: corner[1] + 64)
                #expect(example.picture == resized.cropped(to: box))
                #expect(example.timeIDs == [64, 64, Float(corner[1]), Float(corner[0]), 64, 64])
                #expect(example.lossMask == [Float](repeating: 1, count: 64) && example.collage == nil)
                captions.insert(example.prompt)
                corners.insert(corner)
            }
            for example in try centered.examples(microStep: step, optimizerStep: step) {
                // a00 is 150 × 110, b00 90 × 140, b01 60 × 50: spare 23, 35, 12; halves go to the even side.
                #expect(example.crop == ["a00.jpg": [12, 0], "b00.jpg": [0, 18], "b01.jpg": [6, 0]][example.files[0]])
                #expect(example.timeIDs == [64, 64, 0, 0, 64, 64])
            }
        }
        #expect(captions == ["one", "two", "three", "four"])
        #expect(corners.count > 20)
        let example = try sampler.examples(microStep: 0, optimizerStep: 0)[0]
        #expect(example.pixelValues[5] == Float(example.picture.bytes[5]) / 127.5 - 1)
        #expect(example.planarPixelValues[64 * 64 * 2 + 1] == example.pixelValues[5])
    }

    @Test func everyPromptIsKnown() throws {
        let sampler = try Self.sampler()
        let known = Set(sampler.prompts())
        #expect(known.count == sampler.prompts().count && known.count == 4 + 2 + 3 + 2)
        var seen: Set<String> = []
        for step in 0..<60 { try sampler.examples(microStep: step, optimizerStep: 0).forEach { seen.insert($0.prompt) } }
        #expect(seen == known)
    }

    @Test func threeSubjects() throws {
        let three = try SubjectSet(
            subjects: ["c", "a", "b"].map { Subject(key: $0, phrase: "the \($0)") },
            photos: Self.instances.photos + [Photo(subject: "c", file: "c00.jpg", path: CollageGoldens.photo("b01").path, mask: "m", maskPath: CollageGoldens.photo("b01").maskPath, captions: ["five"])])
        let sampler = try ExampleSampler(Self.settings { $0.segmixProbability = 1; $0.relativeScale = .table(["a": 1, "b": 0.5, "c": 0.25]) }, instances: three)
        var pairs: Set<String> = []
        for step in 0..<80 {
            for example in try sampler.examples(microStep: step, optimizerStep: 0) {
                pairs.insert(example.collage!.subjects.map(\.subject).joined())
                for place in example.collage!.subjects {
                    let part = place.factor / CollageRules(side: 64, sharesHeight: false).fullFactor(of: place.box)
                    #expect(abs(part - ["a": 1, "b": 0.5, "c": 0.25][place.subject]!) < 1e-12)
                }
            }
        }
        #expect(pairs == ["ab", "ac", "ba", "bc", "ca", "cb"])
    }

    @Test func whatDoesNotFitIsRefused() {
        func fault(_ change: (inout SamplerSettings) -> Void, _ set: SubjectSet = Self.instances, priors: SubjectSet? = nil) -> String {
            do { _ = try ExampleSampler(Self.settings(change), instances: set, priors: priors); return "" } catch { return "\(error)" }
        }
        func set(_ keys: [String], _ photos: [Photo]) -> Result<SubjectSet, SegMixError> {
            Result { () throws(SegMixError) in try SubjectSet(subjects: keys.map { Subject(key: $0, phrase: $0) }, photos: photos) }
        }
        let a = CollageGoldens.photo("a00"), b = CollageGoldens.photo("b00")
        func message(_ result: Result<SubjectSet, SegMixError>) -> String { if case .failure(let error) = result { "\(error)" } else { "" } }
        #expect(message(set(["a"], [a, b])).contains("b00.jpg: its subject \"b\" is not in the id table"))
        #expect(message(set(["a", "b"], [a])).contains("\"b\" (b) has no photo"))
        #expect(message(set(["a", "a"], [a])).contains("twice"))
        #expect(message(set([], [])).contains("no subject"))

        let alone = try! set(["a"], [a]).get()
        #expect(fault({ _ in }, alone).contains("mixing needs two"))
        #expect(fault({ $0.segmixProbability = 0 }, alone) == "" && fault({ $0.segmixProbability = 0; $0.relativeScale = .ratio(0.5) }, alone) == "")
        #expect(fault({ _ in }, priors: alone).contains("\"b\" (hta corgi) has no prior pictures"))
        #expect(fault({ $0.relativeScale = .ratio(1.5) }).contains("from -1 to 1"))
        #expect(fault({ $0.relativeScale = .table(["a": 1]) }).contains("no number for the subject \"b\""))
        #expect(fault({ $0.relativeScale = .table(["a": 1, "b": 0]) }).contains("(0, 1]"))
        #expect(fault({ $0.relativeScale = .table(["a": 1, "b": 1, "z": 1]) }).contains("\"z\""))
        #expect(fault({ $0.resolution = 60 }).contains("multiple of 8"))
        #expect(fault({ $0.segmixProbability = 1.1 }).contains("segmix_prob"))
        #expect(fault({ $0.softAlpha = .nan }).contains("soft_alpha"))
        let unmasked = Photo(subject: "b", file: "b00.jpg", mask: nil, captions: ["x"], in: "/tmp"), silent = CollageGoldens.photo("b00", captions: [])
        #expect(fault({ _ in }, try! set(["a", "b"], [a, unmasked]).get()).contains("b00.jpg has no mask"))
        #expect(fault({ $0.segmixProbability = 0 }, try! set(["a", "b"], [a, unmasked]).get()) == "")
        #expect(fault({ _ in }, try! set(["a", "b"], [a, silent]).get()).contains("b00.jpg has no caption"))
        #expect(fault({ $0.segmixProbability = 1 }, try! set(["a", "b"], [a, silent]).get()) == "")
    }

    @Test func everyBadFileIsReported() throws {
        let swapped = Photo(subject: "b", file: "b00.jpg", path: CollageGoldens.photo("b00").path, mask: "mask_a00.png", maskPath: CollageGoldens.photo("a00").maskPath, captions: ["x"])
        let missing = Photo(subject: "a", file: "gone.jpg", mask: "mask_a00.png", captions: ["x"], in: CollageGoldens.folder.path)
        let set = try SubjectSet(subjects: Self.instances.subjects, photos: [CollageGoldens.photo("a00"), missing, swapped])
        var faults: [String] = []
        try ExampleSampler(Self.settings(), instances: set).readAll { faults.append("\($0)") }
        #expect(faults.count == 2 && faults[0].hasPrefix("gone.jpg: there is no such file") && faults[1].hasPrefix("mask_a00.png is 150 × 110 pixels, but its photo b00.jpg is 90 × 140"))
    }

    @Test func theCacheKeepsItsBound() throws {
        let cache = PhotoCache(capacity: 90_000)
        let sampler = try ExampleSampler(Self.settings(), instances: Self.instances, priors: Self.priors, cache: cache)
        for step in 0..<20 {
            _ = try sampler.examples(microStep: step, optimizerStep: 0)
            #expect(cache.bytes <= 90_000 && cache.bytes > 0)
        }
    }
}
