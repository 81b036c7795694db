/// Memory that the system can read again from where it came: a mapped file.
public protocol RereadableMemory: AnyObject {
    /// Says that these bytes, all of them in this memory, are not needed soon.
    func letGo(_ bytes: UnsafeRawBufferPointer)
}

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

    /// Lets the system have the pages of a mapped file back; they are read again if they are used again.
    func letGo() {
        guard device == nil, let file = owner as? any RereadableMemory else { return }
        file.letGo(UnsafeRawBufferPointer(start: pointer, count: byteCount))
    }

    deinit { device?.free(pointer, byteCount) }
}
