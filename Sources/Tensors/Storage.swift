/// The memory behind tensors: a block of the device, or someone else's (a mapped file) kept alive by `owner`.
public final class Storage {
    public let pointer: UnsafeMutableRawPointer
    public let byteCount: Int
    private let device: (any Device)?
    private let owner: AnyObject?

    /// Whether the memory is someone else's.
    var isBorrowed: Bool { device == nil }

    /// Uninitialised memory of `device`, given back when the last tensor on it goes.
    init(byteCount: Int, device: any Device) {
        pointer = device.allocate(byteCount)
        self.byteCount = byteCount
        self.device = device
        owner = nil
    }

    /// Memory that belongs to `owner`; it is only read.
    init(borrowing pointer: UnsafeRawPointer, byteCount: Int, owner: AnyObject) {
        self.pointer = UnsafeMutableRawPointer(mutating: pointer)
        self.byteCount = byteCount
        device = nil
        self.owner = owner
    }

    deinit { device?.free(pointer, byteCount) }
}
