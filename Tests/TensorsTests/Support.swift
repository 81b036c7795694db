import CPUDevice
import Tensors

/// The one device of these tests: its live bytes are those of every tensor here.
nonisolated(unsafe) let device = CPUDevice.install(threads: 2)

/// Runs `body` on another device, which is not the one of these tests afterwards.
func using<Result>(_ other: CPUDevice, _ body: () throws -> Result) rethrows -> Result {
    // If it were made inside, it would be gone with `other`.
    _ = device
    return try Devices.using(other, body)
}

/// Numbers from N(0, 1), the same for the same seed.
func random(_ shape: [Int], _ seed: UInt64) -> Tensor {
    _ = device
    var stream = RandomStream(seed: seed, purpose: .weights)
    return Tensor(stream.normals(shape.reduce(1, *)), shape: shape)
}

/// The same numbers in a type that weights have in files.
func random(_ shape: [Int], _ seed: UInt64, as type: ElementType) -> Tensor {
    guard type != .float32 else { return random(shape, seed) }
    let values = random(shape, seed).values
    let x = Tensor(uninitialized: shape, type: type)
    let halves = x.storage.pointer.assumingMemoryBound(to: UInt16.self)
    for (i, v) in values.enumerated() {
        halves[i] = type == .bfloat16 ? UInt16(v.bitPattern >> 16) : Float16(v).bitPattern
    }
    return x
}

func dot(_ a: Tensor, _ b: Tensor) -> Double {
    precondition(a.shape == b.shape, "dot: \(a.shape), \(b.shape)")
    return zip(a.values, b.values).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
}

func norm(_ a: Tensor) -> Double { dot(a, a).squareRoot() }
