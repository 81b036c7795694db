@testable import Images
import Testing

@Suite struct ResizeTests {
    @Test(arguments: ImageGoldens.all.resizes.indices)
    func pillowsBytes(case number: Int) {
        let golden = ImageGoldens.all.resizes[number]
        let filter: ResizeFilter = ["bilinear": .bilinear, "bicubic": .bicubic, "lanczos": .lanczos][golden.filter]!
        let (width, height) = (golden.resized[1], golden.resized[2])
        if golden.channels == 3 {
            let out = ImageGoldens.rgb(golden.source).resized(width: width, height: height, filter)
            #expect(out.bytes == ImageGoldens.rgb(golden.resized).bytes)
        } else {
            let out = ImageGoldens.gray(golden.source).resized(width: width, height: height, filter)
            #expect(out.bytes == ImageGoldens.gray(golden.resized).bytes)
        }
    }

    /// Colours and mask together are what they are apart.
    @Test(arguments: [(13, 40), (61, 9), (200, 31), (5, 47)])
    func maskedPicture(width: Int, height: Int) {
        let photo = ImageGoldens.rgb(ImageGoldens.all.resizes.first { $0.channels == 3 }!.source)
        let mask = ImageGoldens.gray(ImageGoldens.all.resizes.first { $0.channels == 1 }!.source)
        let whole = PixelBox(x0: 0, y0: 0, x1: photo.width, y1: photo.height)
        let both = MaskedImage(photo: photo, mask: mask, box: whole).resized(width: width, height: height, .bicubic)
        let colors = photo.resized(width: width, height: height, .bicubic)
        let alone = mask.resized(width: width, height: height, .bicubic)
        var expected: [UInt8] = []
        for i in 0..<width * height {
            expected += colors.bytes[3 * i..<3 * i + 3]
            expected.append(alone.bytes[i])
        }
        #expect(both.bytes == expected)
    }

    @Test func cropsAndTurns() {
        let image = GrayImage(width: 3, height: 2, bytes: [1, 2, 3, 4, 5, 6])
        #expect(image.cropped(to: PixelBox(x0: 1, y0: 0, x1: 3, y1: 2)).bytes == [2, 3, 5, 6])
        #expect(image.cropped(to: PixelBox(x0: 0, y0: 1, x1: 1, y1: 2)).bytes == [4])
        let upright: [[UInt8]] = [
            [1, 2, 3, 4, 5, 6], [3, 2, 1, 6, 5, 4], [6, 5, 4, 3, 2, 1], [4, 5, 6, 1, 2, 3],
            [1, 4, 2, 5, 3, 6], [4, 1, 5, 2, 6, 3], [6, 3, 5, 2, 4, 1], [3, 6, 2, 5, 1, 4],
        ]
        for orientation in Orientation.allCases {
            let turned = image.upright(from: orientation)
            #expect(turned.bytes == upright[orientation.rawValue - 1], "\(orientation)")
            #expect(turned.width == (orientation.swapsSides ? 2 : 3))
        }
    }
}
