import Foundation
import Jobs
import SegMix

/// How often a job's pictures are encoded: plain ones that come again under the same crop, and composites out of a pool, are not.
struct LatentDraws {
    /// Composites of all micro-steps that are all different.
    private let composites: Double
    /// Draws of plain photos, of plain priors and of composites out of a pool, and how many of them are different from each other.
    private let kept: [(draws: Double, distinct: Double)]

    init(specification s: JobSpecification, microSteps: Int, pictures: PictureNeeds, hasPriors: Bool) {
        let each = Double(microSteps * s.trainBatchSize), pool = Double(s.latentPool)
        let mixing = Double(max(0, s.maxTrainSteps - s.segmixStartStep)) / Double(max(1, s.maxTrainSteps)) * s.segmixProbability
        let halves = [pictures.photoCrops] + (hasPriors ? [pictures.priorCrops] : [])
        // Every photo is drawn as often as the others.
        func drawn(_ draws: Double, _ half: [Int], of places: (Double) -> Double) -> (draws: Double, distinct: Double) {
            (draws, half.reduce(0) { $0 + Self.distinct(draws / Double(half.count), places(Double($1))) })
        }
        let plain = halves.map { drawn(each * (1 - mixing), $0) { s.latentPool > 0 ? Self.distinct(pool, $0) : $0 } }
        let pooled = s.latentPool > 0 ? halves.map { drawn(each * mixing, $0) { _ in pool } } : []
        kept = plain + pooled
        composites = pooled.isEmpty ? each * mixing * Double(halves.count) : 0
    }

    /// Different ones among n draws from c: c·(1 − (1 − 1/c)ⁿ).
    private static func distinct(_ n: Double, _ c: Double) -> Double { c <= 1 ? min(n, 1) : -c * expm1(n * log1p(-1 / c)) }

    /// Pictures that may come again and are different from each other.
    var distinct: Int { Int(kept.reduce(0) { $0 + $1.distinct }.rounded(.up)) }

    /// Pictures that are encoded, with room for `capacity` of them: of more than that only a part is found again.
    func encodings(capacity: Int) -> Double {
        let all = kept.reduce(0) { $0 + $1.distinct }, room = all > 0 ? min(1, Double(capacity) / all) : 1
        return composites + kept.reduce(0) { $0 + $1.draws - ($1.draws - $1.distinct) * room }
    }
}
