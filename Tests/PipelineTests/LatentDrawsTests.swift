@testable import Jobs
@testable import SegMix
import Tensors
import Testing

@testable import Pipeline

/// How many pictures `segmix check` says the VAE will encode, beside a count of pictures that are drawn.
@Suite struct LatentDrawsTests {
    private static let photos = [1, 40, 7, 300], priors = [1, 1, 1, 1, 1, 1, 1, 1, 25, 3]

    private struct Picture: Hashable { let photo, place: Int, isPrior, isComposite: Bool }

    @Test(arguments: [0, 1, 16], [true, false]) func asCounted(pool: Int, hasPriors: Bool) {
        var needs = PictureNeeds(), s = JobSpecification()
        for crops in Self.photos { needs.add(crops: crops, isPrior: false) }
        for crops in Self.priors { needs.add(crops: crops, isPrior: true) }
        (s.maxTrainSteps, s.segmixStartStep, s.segmixProbability, s.trainBatchSize, s.latentPool) = (1000, 200, 0.5, 2, pool)
        let microSteps = 1000, draws = LatentDraws(specification: s, microSteps: microSteps, pictures: needs, hasPriors: hasPriors)

        var seen: Set<Picture> = [], encoded = 0, generator = RandomStream(seed: 7, purpose: .noise)
        for step in 0..<microSteps {
            for _ in 0..<s.trainBatchSize {
                let mixes = step >= 200 && Double.random(in: 0..<1, using: &generator) < 0.5
                for (crops, isPrior) in [(Self.photos, false)] + (hasPriors ? [(Self.priors, true)] : []) {
                    let photo = Int.random(in: 0..<crops.count, using: &generator)
                    let places = mixes ? (pool == 0 ? .max : pool) : (pool == 0 ? crops[photo] : min(crops[photo], pool))
                    let picture = Picture(photo: photo, place: .random(in: 0..<places, using: &generator), isPrior: isPrior, isComposite: mixes)
                    if seen.insert(picture).inserted { encoded += 1 }
                }
            }
        }
        let foreseen = draws.encodings(capacity: .max)
        #expect(abs(foreseen - Double(encoded)) < 0.06 * Double(encoded) + 8, "\(foreseen) and \(encoded)")
        // Without room nothing is found again.
        #expect(draws.encodings(capacity: 0) == Double(microSteps * 2 * (hasPriors ? 2 : 1)))
        if pool > 0 { #expect(draws.distinct == Int(foreseen.rounded(.up))) } else { #expect(Double(draws.distinct) < foreseen) }
    }
}
