import Foundation
import Testing
import Training

/// The loss of a micro-batch against values worked out by hand.
@Suite struct StepLossTests {
    private func loss(
        _ errors: [Double], base: [Double]? = nil, means: [Double]? = nil, instances: Int, elements: Int = 10, beta: Double = 0,
        weight: Double = 1, normalizes: Bool = false
    ) -> StepLoss {
        StepLoss(
            errors: errors, baseErrors: base, maskMeans: means ?? errors.map { _ in 1 }, instances: instances, elements: elements,
            dcoBeta: beta, priorWeight: weight, normalizes: normalizes)
    }

    private func expectClose(_ a: Double, _ b: Double, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(abs(a - b) <= 1e-14 * max(1, abs(b)), "\(a), not \(b)", sourceLocation: sourceLocation)
    }

    @Test func plain() {
        // (6 + 2) / (2·10)
        let l = loss([6, 2], instances: 2)
        expectClose(l.value, 0.4)
        #expect(l.value == l.instance && l.prior == nil && l.factors == [0.05, 0.05])
    }

    @Test func priorsHaveTheirOwnMeanAndWeight() {
        // 6/10 + 0.5·(2 + 5)/20
        let l = loss([6, 2, 5], instances: 1, weight: 0.5)
        expectClose(l.instance, 0.6)
        expectClose(l.prior!, 0.35)
        expectClose(l.value, 0.775)
        zip(l.factors, [0.1, 0.025, 0.025]).forEach { expectClose($0, $1) }
        expectClose(loss([6, 2], instances: 1, weight: 0).value, 0.6)
    }

    @Test func normalisedHalvesAreDividedByTheirOwnMasks() {
        // instances: mean mask (0.5 + 0.25)/2 = 0.375, 8/20/0.375; priors: mean mask 0.8, 4/10/0.8
        let l = loss([6, 2, 4], means: [0.5, 0.25, 0.8], instances: 2, weight: 2, normalizes: true)
        expectClose(l.instance, 0.4 / 0.375)
        expectClose(l.prior!, 0.5)
        expectClose(l.value, 0.4 / 0.375 + 1)
        zip(l.factors, [0.05 / 0.375, 0.05 / 0.375, 0.25]).forEach { expectClose($0, $1) }
        // The masks do not matter where it is not asked for.
        #expect(loss([6, 2, 4], means: [0.5, 0.25, 0.8], instances: 2).value == loss([6, 2, 4], instances: 2).value)
    }

    /// A subject so thin that nothing of it is left at the latents' size has no weight, and makes no 0/0.
    @Test func aMaskOfNothingTeachesNothing() {
        let l = loss([0, 4], means: [0, 0.8], instances: 1, normalizes: true)
        #expect(l.instance == 0 && l.factors[0] == 0)
        expectClose(l.value, 0.5)
        expectClose(loss([0], base: [0], means: [0], instances: 1, beta: 3, normalizes: true).value, log(2))
    }

    @Test func dco() {
        // L = 0.6, L₀ = 0.5, β = 20: gap 2; −log σ(−2) = log(1 + e²), slope 20·σ(2)
        let l = loss([6], base: [5], instances: 1, beta: 20)
        expectClose(l.value, log(1 + exp(2.0)))
        expectClose(l.instance, 0.6)
        expectClose(l.factors[0], 20 / (1 + exp(-2.0)) * 0.1)
        // Better than the model without its LoRA: log(1 + e⁻²)
        expectClose(loss([5], base: [6], instances: 1, beta: 20).value, log1p(exp(-2.0)))
        // As good: log 2, slope β/2
        let even = loss([5], base: [5], instances: 1, beta: 20)
        expectClose(even.value, log(2))
        expectClose(even.factors[0], 1)
    }

    @Test func dcoIsNormalisedOnBothSides() {
        // (6 − 5)/10/0.25 = 0.4, β = 3
        let l = loss([6], base: [5], means: [0.25], instances: 1, beta: 3, normalizes: true)
        expectClose(l.value, log(1 + exp(1.2)))
        expectClose(l.factors[0], 3 / (1 + exp(-1.2)) * 0.4)
    }

    @Test func priorsBesideDCOStayOutsideTheSigmoid() {
        let l = loss([6, 4], base: [5, 9], instances: 1, beta: 20, weight: 0.5)
        expectClose(l.value, log(1 + exp(2.0)) + 0.5 * 0.4)
        expectClose(l.factors[1], 0.05)
    }

    @Test func largeBetaDoesNotOverflow() {
        for (errors, base, sign) in [(60.0, 5.0, 1.0), (5.0, 60.0, -1.0)] {
            let l = loss([errors], base: [base], instances: 1, beta: 1e6)
            #expect(l.value.isFinite && l.factors[0].isFinite)
            expectClose(l.value, sign > 0 ? 5.5e6 : 0)
            expectClose(l.factors[0], sign > 0 ? 1e5 : 0)
        }
    }

    /// The factors are the derivatives of the value by the images' errors.
    @Test func factorsAreDerivatives() {
        let errors = [6.0, 3, 4, 2], base = [5.5, 3.2, 0, 0], means = [0.5, 0.7, 0.9, 0.2], h = 1e-5
        for beta in [0.0, 7] {
            for normalizes in [false, true] {
                func value(_ e: [Double]) -> StepLoss { loss(e, base: base, means: means, instances: 2, beta: beta, weight: 0.3, normalizes: normalizes) }
                for i in errors.indices {
                    var up = errors, down = errors
                    up[i] += h
                    down[i] -= h
                    let slope = (value(up).value - value(down).value) / (2 * h)
                    #expect(abs(slope - value(errors).factors[i]) < 1e-8)
                }
            }
        }
    }

    @Test func aNumberThatIsNoneShows() {
        #expect(loss([.nan, 1], instances: 1).value.isNaN)
        #expect(loss([.nan], base: [1], instances: 1, beta: 5).value.isNaN)
        #expect(loss([1, .nan], instances: 1).value.isNaN)
    }
}
