/// An 8-bit grey picture: `[height, width]`, rows from top to bottom, tightly packed.
public struct GrayImage: Raster, Equatable, Sendable {
    public static let channels = 1
    public let width: Int, height: Int
    public var bytes: [UInt8]

    public init(width: Int, height: Int, bytes: [UInt8]) {
        Self.check(width, height, bytes.count)
        (self.width, self.height, self.bytes) = (width, height, bytes)
    }
}
