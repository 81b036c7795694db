import Foundation
import Images
import Testing

@testable import SegMix

/// Masks that somebody has painted in another way than is wanted are used, and said.
@Suite struct GivenMaskTests {
    private func doubt(
        width: Int = 40, height: Int = 30, isTransparent: Bool = false, orientation: Orientation = .upright, photo: String = "sampling-444.jpg",
        _ value: (Int, Int) -> UInt8
    ) throws -> String? {
        let bytes = (0..<height).flatMap { y in (0..<width).map { x in value(x, y) } }
        let path = CollageGoldens.folder.appending(path: photo).path()
        return try GivenMask.doubt(
            GrayImage(width: width, height: height, bytes: bytes), isTransparent: isTransparent, orientation: orientation,
            photo: Photo(subject: "a", file: photo, path: path, mask: "m.png", maskPath: "m.png", captions: []), name: "m.png")
    }

    private func isInside(_ x: Int, _ y: Int) -> Bool { (8..<30).contains(x) && (4..<30).contains(y) }

    @Test func aMaskIsBlackAndWhite() throws {
        #expect(try doubt { isInside($0, $1) ? 255 : 0 } == nil)
        // What a JPEG makes of its outline is none.
        #expect(try doubt { x, y in x == 8 ? 140 : isInside(x, y) ? 250 : 4 } == nil)
        #expect(try doubt { isInside($0, $1) ? 0 : 255 }?.contains("is it inverted?") == true)
        #expect(try doubt { _, _ in 255 }?.contains("white on 100 % of its photo") == true)
        #expect(try doubt { x, y in UInt8(x * 6 + y % 10) }?.contains("neither black nor white: is it a mask?") == true)
        #expect(try doubt(isTransparent: true) { isInside($0, $1) ? 255 : 0 }?.contains("is transparent in places") == true)
    }

    /// A photo that was taken upside down has the size of the mask of either.
    @Test(arguments: [(3, true), (2, true), (4, true), (6, false), (1, false)]) func turnedPhotos(_ orientation: Int, _ isDoubted: Bool) throws {
        let photo = "orientation-\(orientation).jpg"
        #expect(try doubt(photo: photo) { isInside($0, $1) ? 255 : 0 }?.contains("lies turned or mirrored") == (isDoubted ? true : nil))
        #expect(try doubt(orientation: .upsideDown, photo: photo) { isInside($0, $1) ? 255 : 0 } == nil)
        // A square may be turned by a quarter.
        #expect((try doubt(width: 30, height: 30, photo: photo) { isInside($0, $1) ? 255 : 0 } != nil) == (orientation > 1))
    }
}
