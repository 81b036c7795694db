extension BinaryMask {
    /// The pixel that lies deepest in the mask, then the deepest one outside the circle around it that the mask holds, and
    /// so on: up to `count` points that a finger would point at.
    func innermostPoints(_ count: Int) -> [SegmentationPrompt.Point] {
        var rest = self, points: [SegmentationPrompt.Point] = []
        for _ in 0..<count {
            let depths = rest.depths()
            guard let deepest = depths.max(), deepest > 0, let at = depths.firstIndex(of: deepest) else { break }
            let x = at % width, y = at / width, radius = Int(deepest) / Self.step
            points.append(.init(x: Double(x) + 0.5, y: Double(y) + 0.5))
            for v in max(0, y - radius)...min(height - 1, y + radius) {
                for u in max(0, x - radius)...min(width - 1, x + radius) where (u - x) * (u - x) + (v - y) * (v - y) <= radius * radius {
                    rest.bits[v * width + u] = 0
                }
            }
        }
        return points
    }

    /// What a step to the next pixel counts; one across counts 4 (Borgefors' chamfer 3-4 distance, 1986).
    private static let step = 3

    /// The distance of each pixel to the next one outside the mask, in thirds of a pixel; what is beyond the picture is outside.
    private func depths() -> [Int32] {
        let pitch = width + 2, side = Int32(Self.step), across = Int32(Self.step + 1)
        // One pixel of background around it.
        var depths = [Int32](repeating: 0, count: pitch * (height + 2))
        /// The least way over four neighbours, of which the first is to the side, the second above or below.
        func reach(_ d: UnsafeMutableBufferPointer<Int32>, _ i: Int, _ neighbours: (Int, Int, Int, Int)) -> Int32 {
            let straight: Int32 = min(d[i + neighbours.0], d[i + neighbours.1]) + side
            let slanted: Int32 = min(d[i + neighbours.2], d[i + neighbours.3]) + across
            return min(straight, slanted)
        }
        depths.withUnsafeMutableBufferPointer { d in
            for y in 0..<height {
                for x in 0..<width where bits[y * width + x] == 1 {
                    let i = (y + 1) * pitch + x + 1
                    d[i] = reach(d, i, (-1, -pitch, -pitch - 1, -pitch + 1))
                }
            }
            for y in (0..<height).reversed() {
                for x in (0..<width).reversed() where bits[y * width + x] == 1 {
                    let i = (y + 1) * pitch + x + 1
                    d[i] = min(d[i], reach(d, i, (1, pitch, pitch - 1, pitch + 1)))
                }
            }
        }
        return (0..<height).flatMap { (y: Int) -> ArraySlice<Int32> in
            let first = (y + 1) * pitch + 1
            return depths[first..<first + width]
        }
    }
}
