import Foundation

/// One direction of a resize with a Gaussian filter before it: which inputs each output is the weighted sum of.
///
///     σ = max(0, (inputs/outputs − 1) / 2), cut off at ⌊4σ + ½⌋      (scikit-image's antialiasing)
///     position of output i: (i + ½)·inputs/outputs − ½, linear between neighbours
///
/// Beyond the ends positions and filter are mirrored at the outermost pixel, which is not repeated (SciPy's `mirror`).
struct FilteredAxis {
    private let starts: [Int]
    private let all: [(index: Int, weight: Float)]

    init(from inputs: Int, to outputs: Int) {
        precondition(inputs > 0 && outputs > 0, "FilteredAxis: \(inputs) to \(outputs)")
        let scale = Double(inputs) / Double(outputs), sigma = max(0, (scale - 1) / 2)
        let radius = sigma > 1e-15 ? Int(4 * sigma + 0.5) : 0
        var filter = (-radius...radius).map { radius == 0 ? 1 : exp(-0.5 * Double($0 * $0) / (sigma * sigma)) }
        let sum = filter.reduce(0, +)
        for i in filter.indices { filter[i] /= sum }

        func mirrored(_ i: Int) -> Int {
            guard inputs > 1 else { return 0 }
            let period = 2 * (inputs - 1), r = ((i % period) + period) % period
            return r < inputs ? r : period - r
        }
        var starts = [0], all: [(index: Int, weight: Float)] = []
        for i in 0..<outputs {
            var position = (Double(i) + 0.5) * scale - 0.5
            if position < 0 { position = -position }
            if position > Double(inputs - 1) { position = 2 * Double(inputs - 1) - position }
            position = min(max(position, 0), Double(inputs - 1))
            let first = Int(position), fraction = position - Double(first)
            for t in -radius...(radius + 1) {
                let left = t <= radius ? filter[t + radius] : 0, right = t > -radius ? filter[t + radius - 1] : 0
                let weight = (1 - fraction) * left + fraction * right
                if weight != 0 { all.append((mirrored(first + t), Float(weight))) }
            }
            starts.append(all.count)
        }
        (self.starts, self.all) = (starts, all)
    }

    /// What output `i` is made of.
    func taps(of i: Int) -> ArraySlice<(index: Int, weight: Float)> { all[starts[i]..<starts[i + 1]] }
}
