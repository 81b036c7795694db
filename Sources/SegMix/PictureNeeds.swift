/// What the pictures of a job need when they are used, found by looking at each of them.
public struct PictureNeeds: Equatable, Sendable {
    /// Bytes that `PhotoCache` would like to keep.
    public internal(set) var cacheBytes = 0
    /// In how many ways each photo, and each prior picture, can be cropped.
    public private(set) var photoCrops: [Int] = [], priorCrops: [Int] = []
    /// What speaks against masks that were given, a sentence each.
    public internal(set) var doubts: [String] = []

    public init() {}

    /// Prior pictures that are yet to be made: squares, of which each has its cut-out.
    public mutating func addPriors(_ count: Int, side: Int) {
        priorCrops += [Int](repeating: 1, count: count)
        cacheBytes += 2 * count * 3 * side * side
    }

    mutating func add(crops: Int, isPrior: Bool) {
        if isPrior { priorCrops.append(crops) } else { photoCrops.append(crops) }
    }
}
