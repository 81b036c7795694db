/// What the pictures of a job need when they are used, found by looking at each of them.
public struct PictureNeeds: Equatable, Sendable {
    /// Bytes that `PhotoCache` would like to keep.
    public internal(set) var cacheBytes = 0
    /// In how many ways plain photos, and plain prior pictures, can be cropped, over all of them.
    public private(set) var photoCrops = 0, priorCrops = 0
    /// What speaks against masks that were given, a sentence each.
    public internal(set) var doubts: [String] = []

    public init() {}

    /// Prior pictures that are yet to be made: squares, of which each has its cut-out.
    public mutating func addPriors(_ count: Int, side: Int) {
        priorCrops += count
        cacheBytes += 2 * count * 3 * side * side
    }

    mutating func add(crops: Int, isPrior: Bool) {
        if isPrior { priorCrops += crops } else { photoCrops += crops }
    }
}
