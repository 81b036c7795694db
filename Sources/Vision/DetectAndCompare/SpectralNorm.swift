import Foundation

/// ‖M‖₂, the largest singular value of a small square matrix, to the last digits of a double: Jacobi's rotations make the
/// columns orthogonal one pair after the other (Hestenes, 1958), then their lengths are the singular values.
public func spectralNorm(_ matrix: [[Double]]) -> Double {
    let n = matrix.count
    precondition(matrix.allSatisfy { $0.count == n }, "spectralNorm: rows of \(matrix.map(\.count)) in a matrix of \(n)")
    var columns = (0..<n).map { j in matrix.map { $0[j] } }
    func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

    var turned = true, sweeps = 0
    while turned, sweeps < 60 {
        (turned, sweeps) = (false, sweeps + 1)
        for p in 0..<n {
            for q in (p + 1)..<max(n, p + 1) {
                let a = dot(columns[p], columns[p]), b = dot(columns[q], columns[q]), c = dot(columns[p], columns[q])
                guard abs(c) > 1e-16 * (a * b).squareRoot() else { continue }
                turned = true
                let zeta = (b - a) / (2 * c), t = (zeta >= 0 ? 1.0 : -1.0) / (abs(zeta) + (1 + zeta * zeta).squareRoot())
                let cosine = 1 / (1 + t * t).squareRoot(), sine = cosine * t
                for i in 0..<n {
                    let (x, y) = (columns[p][i], columns[q][i])
                    (columns[p][i], columns[q][i]) = (cosine * x - sine * y, sine * x + cosine * y)
                }
            }
        }
    }
    return columns.map { dot($0, $0).squareRoot() }.max() ?? 0
}
