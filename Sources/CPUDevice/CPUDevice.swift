import CKernels
import COpenBLAS
import Files
import Foundation
import Tensors

/// The device of this processor: kernels of `CKernels`, thin matrix products of OpenBLAS, one thread pool over both.
public final class CPUDevice: Device {
    let threads: Threads
    let arena = Arena()
    public let multipliesBFloat16: Bool

    /// - Parameters:
    ///   - threads: how many threads compute; by default `SEGMIX_THREADS`, else what `Processors` says.
    ///   - multipliesBFloat16: false: bfloat16 is widened even where the processor could multiply it.
    public init(threads count: Int? = nil, multipliesBFloat16: Bool = true) {
        self.multipliesBFloat16 = multipliesBFloat16 && Self.processorMultipliesBFloat16
        let wanted = count ?? ProcessInfo.processInfo.environment["SEGMIX_THREADS"].flatMap(Int.init)
        threads = Threads(count: min(max(1, wanted ?? Processors.usable()), Self.mostThreads))
        openblas_set_num_threads(1)
    }

    /// Far beyond any machine's cores; work is split by multiples of their number.
    private static let mostThreads = 4096

    /// A device for the whole process, installed as the current one. Where there is one it stays: what it has touched of its memory is
    /// used again.
    /// - Parameter threads: another number than the usual; then it is a new one.
    @discardableResult
    public static func install(threads: Int? = nil) -> CPUDevice {
        if threads == nil, let device = Devices.installed as? CPUDevice { return device }
        let device = CPUDevice(threads: threads)
        Devices.use(device)
        return device
    }

    /// Whether this processor has AVX512-BF16, and the library for it was there when this program was built.
    public static var processorMultipliesBFloat16: Bool { ck_bf16_available() != 0 }

    public func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer { arena.allocate(byteCount) }
    public func free(_ pointer: UnsafeMutableRawPointer, _ byteCount: Int) { arena.free(pointer, byteCount) }
    public var liveBytes: Int { arena.live }
    public var peakBytes: Int { arena.peak }
    /// `peakBytes` counts from now on.
    public func resetPeak() { arena.resetPeak() }
    /// How many threads compute at once.
    public var threadCount: Int { min(threads.count, Processors.allowed) }
    /// Bytes of memory that this process holds for tensors and that none is in now.
    public var idleBytes: Int { arena.idle }
    /// Gives memory that is free back to the system.
    public func trim() { arena.trim() }
}
