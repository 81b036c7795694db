import Images

extension RGBImage {
    /// What a box covers, made a square by white on both sides of the shorter direction.
    public func whiteSquare(of box: DetectionBox) -> RGBImage {
        let part = cropped(to: box.pixels(width: width, height: height)), side = max(part.width, part.height)
        var square = RGBImage(width: side, height: side, filledWith: 255)
        let left = (side - part.width) / 2, top = (side - part.height) / 2, row = part.width * 3
        for y in 0..<part.height {
            let to = ((y + top) * side + left) * 3
            square.bytes.replaceSubrange(to..<to + row, with: part.bytes[y * row..<(y + 1) * row])
        }
        return square
    }
}
