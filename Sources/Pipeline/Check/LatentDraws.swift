import Foundation
import Jobs
import SegMix

/// How often a job's pictures are encoded: plain ones that come again under the same crop are not.
struct LatentDraws {
    /// Pictures of all micro-steps that are composites.
    private let composites: Double
    /// Draws of plain photos and of plain priors, and the crops that they are drawn from.
    private let plain: [(draws: Double, crops: Double)]

    init(specification s: JobSpecification, microSteps: Int, pictures: PictureNeeds, hasPriors: Bool) {
        let each = Double(microSteps * s.trainBatchSize)
        let mixing = Double(max(0, s.maxTrainSteps - s.segmixStartStep)) / Double(max(1, s.maxTrainSteps)) * s.segmixProbability
        composites = each * mixing * (hasPriors ? 2 : 1)
        let crops = [pictures.photoCrops] + (hasPriors ? [pictures.priorCrops] : [])
        plain = crops.map { (each * (1 - mixing), Double(max(1, $0))) }
    }

    /// Different plain pictures among n draws from c: c·(1 − (1 − 1/c)ⁿ).
    private static func distinct(_ n: Double, _ c: Double) -> Double { c <= 1 ? min(n, 1) : -c * expm1(n * log1p(-1 / c)) }

    /// Plain pictures that are different from each other.
    var distinct: Int { Int(plain.reduce(0) { $0 + Self.distinct($1.draws, $1.crops) }.rounded(.up)) }

    /// Pictures that are encoded, with room for `capacity` of them: of more than that only a part is found again.
    func encodings(capacity: Int) -> Double {
        let different = plain.map { Self.distinct($0.draws, $0.crops) }, all = different.reduce(0, +)
        let kept = all > 0 ? min(1, Double(capacity) / all) : 1
        return composites + zip(plain, different).reduce(0) { $0 + $1.0.draws - ($1.0.draws - $1.1) * kept }
    }
}
