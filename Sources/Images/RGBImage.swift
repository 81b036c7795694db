/// An 8-bit colour picture: `[height, width, 3]`, rows from top to bottom, tightly packed.
public struct RGBImage: Raster, Equatable, Sendable {
    public static let channels = 3
    public let width: Int, height: Int
    public var bytes: [UInt8]

    public init(width: Int, height: Int, bytes: [UInt8]) {
        Self.check(width, height, bytes.count)
        (self.width, self.height, self.bytes) = (width, height, bytes)
    }
}
