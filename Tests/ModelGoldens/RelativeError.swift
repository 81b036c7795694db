import Tensors

/// ‖a − b‖₂ / ‖b‖₂, infinite where the counts differ or a value is not a number.
public func relativeError(_ a: [Float], _ b: [Float]) -> Double {
    guard a.count == b.count, !a.isEmpty else { return .infinity }
    var difference = 0.0, norm = 0.0
    for (x, y) in zip(a, b) {
        difference += (Double(x) - Double(y)) * (Double(x) - Double(y))
        norm += Double(y) * Double(y)
    }
    let error = (difference / norm).squareRoot()
    return error.isNaN ? .infinity : error
}

/// The same of tensors, which must have one shape.
public func relativeError(_ a: Tensor, _ b: Tensor) -> Double {
    precondition(a.shape == b.shape, "\(a.shape) and \(b.shape)")
    return relativeError(a.values, b.values)
}
