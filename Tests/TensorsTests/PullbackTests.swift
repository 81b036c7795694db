import Tensors
import Testing

/// Every pullback against finite differences of its own forward.
@Suite(.serialized) struct PullbackTests {
    /// The parameters of the case at work; see `PullbackCase.parameter`.
    nonisolated(unsafe) static var parameters: [Parameter] = []

    /// f(x) = ⟨w, operation(x)⟩ along random directions d ~ N(0, I): the five-point difference
    ///
    ///     (8·(f(x + hd) − f(x − hd)) − (f(x + 2hd) − f(x − 2hd))) / 12h
    ///
    /// is ⟨gradient, d⟩ to O(h⁴). A gradient that is wrong by a part e of its length shows as about e.
    @Test(arguments: PullbackCase.all) func agreesWithFiniteDifferences(_ one: PullbackCase) throws {
        let parameters = one.shapes.enumerated().map { Parameter(random($1, UInt64(100 + $0))) }
        Self.parameters = parameters
        defer { Self.parameters = [] }
        let y = one.operation(parameters.map(\.tensor))
        #expect(y.isTracked)
        let weights = random(y.shape, 200)
        y.backward(seed: weights)

        for (i, parameter) in parameters.enumerated() {
            let gradient = try #require(parameter.gradient, "input \(i) has no gradient")
            try #require(gradient.shape == parameter.value.shape)
            let start = parameter.value.values, h = 0.015
            for direction in 0..<4 {
                let d = random(parameter.value.shape, UInt64(300 + direction))
                func f(_ step: Double) -> Double {
                    for (j, v) in d.values.enumerated() { parameter.value.floats[j] = start[j] + Float(step) * v }
                    return Tape.paused { dot(one.operation(parameters.map(\.tensor)), weights) }
                }
                let slope = (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h)
                for (j, v) in start.enumerated() { parameter.value.floats[j] = v }
                #expect(abs(slope - dot(gradient, d)) <= 2e-3 * max(norm(gradient), 1e-2), "input \(i), direction \(direction): \(slope), not \(dot(gradient, d))")
            }
        }
    }

    /// The loss is quadratic, so central differences are exact but for rounding.
    @Test func squaredErrorGradient() {
        let shape = [3, 2, 5, 4], factors: [Float] = [0.5, -2, 0]
        let x = random(shape, 1), target = random(shape, 2), mask = random([3, 2, 5], 3)
        let gradient = x.squaredErrorGradient(to: target, mask: mask, factors: factors)
        func loss(_ x: Tensor) -> Double { zip(factors, x.squaredError(to: target, mask: mask)).reduce(0) { $0 + Double($1.0) * $1.1 } }
        for direction in 0..<4 {
            let d = random(shape, UInt64(10 + direction))
            let slope = (loss(x + d * 0.25) - loss(x + d * -0.25)) / 0.5
            #expect(abs(slope - dot(gradient, d)) <= 1e-5 * norm(gradient))
        }
        // By hand: Σ (x − t)²·m of image 1.
        let m = mask.values, byHand = (0..<40).reduce(0.0) { sum, i in
            let e = Double(x.values[40 + i]) - Double(target.values[40 + i])
            return sum + e * e * Double(m[10 + i / 4])
        }
        #expect(abs(x.squaredError(to: target, mask: mask)[1] - byHand) < 1e-5 * abs(byHand))
    }
}
