import Images

extension RGBImage {
    /// What a box covers, made a square by white on both sides of the shorter direction; of what is longer than 8192 pixels a smaller
    /// picture, since the square of a panorama has more pixels than it.
    public func whiteSquare(of box: DetectionBox) -> RGBImage {
        var part = cropped(to: box.pixels(width: width, height: height))
        let long = max(part.width, part.height), most = 8192
        if long > most { part = part.resized(width: max(1, part.width * most / long), height: max(1, part.height * most / long), .bicubic) }
        let side = max(part.width, part.height)
        var square = RGBImage(width: side, height: side, filledWith: 255)
        let left = (side - part.width) / 2, top = (side - part.height) / 2, row = part.width * 3
        for y in 0..<part.height {
            let to = ((y + top) * side + left) * 3
            square.bytes.replaceSubrange(to..<to + row, with: part.bytes[y * row..<(y + 1) * row])
        }
        return square
    }
}
