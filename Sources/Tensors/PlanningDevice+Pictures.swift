/// What the encoders of pictures need.
extension PlanningDevice {
    public func relu(_ y: Tensor, _ x: Tensor) { moves(y, x) }
    public func sigmoid(_ y: Tensor, _ x: Tensor) { moves(y, x) }
    public func relativeTerms(_ terms: Tensor, _ qkv: Tensor, rowTable: Tensor, columnTable: Tensor, _ s: SelfAttentionShape) {
        computes(.product, 2 * Double(terms.count * s.headSize), in: qkv.type)
    }
    public func selfAttention(_ o: Tensor, _ qkv: Tensor, bias: Tensor?, _ s: SelfAttentionShape) {
        widens(o, qkv)
        computes(.attention, 4 * Double(s.batch * s.heads * s.headSize) * Double(s.tokens) * Double(s.tokens), in: qkv.type)
    }
    public func depthwiseConvolution(_ y: Tensor, _ x: Tensor, _ weight: Tensor, _ bias: Tensor?, _ s: ConvolutionShape) { moves(y, x) }
    public func resizeBilinear(_ y: Tensor, _ x: Tensor) { moves(y, x) }
    public func gatherWindows(_ y: Tensor, _ x: Tensor, fill: Tensor, size: Int) { moves(y, x) }
    public func scatterWindows(_ y: Tensor, _ x: Tensor, size: Int) { moves(y, x) }
    public func spreadPixels(_ y: Tensor, _ x: Tensor) { moves(y, x) }
}
