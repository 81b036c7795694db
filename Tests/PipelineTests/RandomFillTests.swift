import Testing

@testable import Pipeline

struct RandomFillTests {
    private func values(_ weights: InitialWeights, count: Int, rowLength: Int = 1, tensor: Int = 0, seed: UInt64 = 1) throws -> [Float] {
        var out: [Float] = []
        try RandomFill(seed: seed, type: .float32).write(weights, count: count, rowLength: rowLength, tensor: tensor) { piece in
            out += piece.bindMemory(to: Float.self)
        }
        return out
    }

    /// Moments of N(0, 1): mean 0, variance 1, no skew; kurtosis 3 − 1.2/4 for the sum of four uniforms. The bounds are
    /// five standard errors.
    @Test func theNumbersAreNearlyNormal() throws {
        let count = 3_000_000
        let values = try values(.normal(deviation: 1), count: count).map(Double.init)
        #expect(values.count == count)
        var sums = [0.0, 0, 0, 0]
        for v in values {
            var power = v
            for k in 0..<4 {
                sums[k] += power
                power *= v
            }
        }
        let error = 5 / Double(count).squareRoot()
        #expect(abs(sums[0] / Double(count)) < error)
        #expect(abs(sums[1] / Double(count) - 1) < error * 1.4)
        #expect(abs(sums[2] / Double(count)) < error * 3.5)
        #expect(abs(sums[3] / Double(count) - 2.7) < error * 8)
        #expect(values.allSatisfy { abs($0) < 3.47 })
        // Neighbours, and the same place of neighbouring chunks, have nothing to do with each other.
        for lag in [1, 2, 65_536] {
            let product = zip(values, values.dropFirst(lag)).reduce(0) { $0 + $1.0 * $1.1 } / Double(count - lag)
            #expect(abs(product) < error, "lag \(lag)")
        }
    }

    @Test func aShorterTensorIsTheBeginningOfALongerOne() throws {
        let long = try values(.normal(deviation: 0.5), count: 5_000_000)
        #expect(try values(.normal(deviation: 0.5), count: 70_001) == Array(long[..<70_001]))
        #expect(try values(.normal(deviation: 0.5), count: 1000, tensor: 1) != Array(long[..<1000]))
        #expect(try values(.normal(deviation: 0.5), count: 1000, seed: 2) != Array(long[..<1000]))
    }

    @Test func leadingRowsHaveTheirGain() throws {
        let plain = try values(.normal(deviation: 1), count: 24, rowLength: 3)
        let gained = try values(.normal(deviation: 1, leadingRows: 4, leadingGain: 8), count: 24, rowLength: 3)
        #expect(gained == plain.enumerated().map { $0 < 12 ? $1 * 8 : $1 })
        #expect(try values(.constant(1), count: 5) == [1, 1, 1, 1, 1])
    }
}
