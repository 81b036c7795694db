import Images

extension BinaryMask {
    /// What a segmenter leaves besides the subject is taken out: pieces smaller than `piece` of the largest one are
    /// dropped, holes smaller than `hole` of the whole are closed. Larger ones stay: what a handle or a ring surrounds
    /// is background.
    public func cleaned(piece: Double = 0.1, hole: Double = 0.005) -> BinaryMask {
        var mask = self
        let parts = Components(of: self)
        guard let largest = parts.pieces.first else { return self }
        parts.paint(parts.pieces.filter { Double($0.area) < piece * Double(largest.area) }, 0, in: &mask)
        let area = Double(mask.area), gaps = Components(of: mask, value: 0)
        gaps.paint(gaps.pieces.filter { !$0.touchesEdge && Double($0.area) < hole * area }, 1, in: &mask)
        return mask
    }
}
