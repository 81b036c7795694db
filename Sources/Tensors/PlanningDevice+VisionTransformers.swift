extension PlanningDevice {
    public func scaleColumns(_ y: Tensor, _ x: Tensor, by scale: Tensor, rows: Int, width: Int) { moves(y, x) }
    public func swiglu(_ y: Tensor, _ x: Tensor, rows: Int, width: Int) { moves(y, x) }
}
