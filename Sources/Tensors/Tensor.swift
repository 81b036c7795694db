/// A contiguous, row-major array of numbers on a device, with the node of the tape that made it if a
/// trainable parameter had a part in it.
///
/// Images are `[N, H, W, C]`, sequences `[N, S, C]`, weights as in their PyTorch file.
public struct Tensor {
    public let shape: [Int]
    public let type: ElementType
    public let storage: Storage
    let node: Node?

    init(shape: [Int], type: ElementType, storage: Storage, node: Node?) {
        (self.shape, self.type, self.storage, self.node) = (shape, type, storage, node)
    }

    /// Memory of the current device, with whatever was in it.
    public init(uninitialized shape: [Int], type: ElementType = .float32) {
        precondition(shape.allSatisfy { $0 >= 0 }, "Tensor: shape \(shape)")
        let bytes = shape.reduce(1, *) * type.byteCount
        self.init(shape: shape, type: type, storage: Storage(byteCount: bytes, device: Devices.current), node: nil)
    }

    /// Memory for a result of this tensor's type.
    func result(_ shape: [Int]) -> Tensor { Tensor(uninitialized: shape, type: type) }

    public init(zeros shape: [Int]) {
        self.init(uninitialized: shape)
        storage.pointer.initializeMemory(as: UInt8.self, repeating: 0, count: storage.byteCount)
    }

    public init(_ values: [Float], shape: [Int]) {
        precondition(values.count == shape.reduce(1, *), "Tensor: \(values.count) values for \(shape)")
        self.init(uninitialized: shape)
        values.withUnsafeBytes { if !$0.isEmpty { storage.pointer.copyMemory(from: $0.baseAddress!, byteCount: $0.count) } }
    }

    /// Someone else's memory, aligned for `type` and never written: a mapped file. `owner` keeps it alive.
    public init(borrowing pointer: UnsafeRawPointer, shape: [Int], type: ElementType, owner: AnyObject) {
        let bytes = shape.reduce(1, *) * type.byteCount
        precondition(Int(bitPattern: pointer).isMultiple(of: type.byteCount), "Tensor: memory not aligned for \(type)")
        self.init(shape: shape, type: type, storage: Storage(borrowing: pointer, byteCount: bytes, owner: owner), node: nil)
    }

    public var count: Int { shape.reduce(1, *) }
    public var device: any Device { Devices.current }

    /// The elements; `type` must be float32. Valid while the tensor is alive.
    public var floats: UnsafeMutablePointer<Float> {
        precondition(type == .float32, "Tensor.floats: \(type)")
        return storage.pointer.assumingMemoryBound(to: Float.self)
    }

    /// The elements; `type` must be bfloat16, each is the upper half of a float32. Valid while the tensor is alive.
    public var bfloats: UnsafeMutablePointer<UInt16> {
        precondition(type == .bfloat16, "Tensor.bfloats: \(type)")
        return storage.pointer.assumingMemoryBound(to: UInt16.self)
    }

    /// A copy of the elements.
    public var values: [Float] { Array(UnsafeBufferPointer(start: floats, count: count)) }

    /// Whether a gradient can flow to what made this tensor.
    public var isTracked: Bool { node != nil }

    /// The same memory, off the tape.
    public var detached: Tensor { Tensor(shape: shape, type: type, storage: storage, node: nil) }

    /// The same memory under another shape.
    public func reshaped(_ newShape: [Int]) -> Tensor {
        precondition(newShape.reduce(1, *) == count, "reshaped: \(shape) as \(newShape)")
        let y = Tensor(shape: newShape, type: type, storage: storage, node: nil)
        return y.recorded(from: [self]) { [shape] dy in [dy.reshaped(shape)] }
    }

    var dimensions4: (Int, Int, Int, Int) {
        precondition(shape.count == 4, "an image batch [N, H, W, C] is wanted, not \(shape)")
        return (shape[0], shape[1], shape[2], shape[3])
    }

    /// Width of the last dimension and the number of rows of it.
    var rowsAndWidth: (rows: Int, width: Int) {
        let width = shape.last ?? 1
        return (width == 0 ? 0 : count / width, width)
    }
}
