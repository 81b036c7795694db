extension Tensor {
    /// The same numbers as another type, rounded to the nearest where it holds fewer; itself where it is of that type.
    /// The gradient comes back in this tensor's type.
    public func converted(to wanted: ElementType) -> Tensor {
        guard type != wanted else { return self }
        let y = Tensor(uninitialized: shape, type: wanted)
        device.convert(y, self, by: 1)
        return y.recorded(from: [self]) { [type] dy in [dy.converted(to: type)] }
    }

    /// float32 twin; itself where it is one.
    public func widened() -> Tensor { converted(to: .float32) }

    /// bfloat16 of factor·self, rounded once; off the tape.
    func narrowed(by factor: Float) -> Tensor {
        let y = Tensor(uninitialized: shape, type: .bfloat16)
        device.convert(y, self, by: factor)
        return y
    }
}
