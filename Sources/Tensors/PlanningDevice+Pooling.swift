extension PlanningDevice {
    public func maxPool(_ y: Tensor, _ x: Tensor) { moves(y, x) }
    public func splitPhases(_ y: Tensor, _ x: Tensor, step: Int) { moves(y, x) }
    public func joinPhases(_ y: Tensor, _ x: Tensor, step: Int) { moves(y, x) }
}
