import Foundation
import Synchronization

/// Memory for tensors: one reserved region of address space in which blocks are placed first-fit, lowest address
/// first, and joined again when they are freed. Pages that were touched once are used again without a page fault,
/// which is where a general allocator loses a third of a training step; the lowest-address rule keeps the touched
/// part small.
final class Arena: Sendable {
    /// Blocks below this come from malloc.
    private static let smallest = 32 << 10
    private static let granularity = 4096
    /// The region is opened in pieces of so many bytes.
    private static let piece = 256 << 20

    private struct State {
        /// Free ranges in ascending order, none touching another.
        var free: [Range<Int>]
        var live = 0, peak = 0
        /// End of the highest byte ever handed out.
        var touched = 0
        /// End of what can be written.
        var opened = 0
    }

    private let base: UInt
    private let capacity: Int
    private let state: Mutex<State>

    init() {
        let physical = Int(ProcessInfo.processInfo.physicalMemory)
        var size = max(physical * 4, 64 << 30), region: UnsafeMutableRawPointer? = MAP_FAILED, limit = rlimit()
        // Files, OpenBLAS's buffers and another arena want addresses too.
        if getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0, let most = Int(exactly: limit.rlim_cur) { size = min(size, most / 2 / Self.granularity * Self.granularity) }
        while size >= 64 << 20 {
            // Closed until it is used: where the kernel promises no more than it has (`vm.overcommit_memory=2`), this counts for nothing.
            region = mmap(nil, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | Int32(MAP_NORESERVE), -1, 0)
            if region != MAP_FAILED { break }
            size /= 2
        }
        guard let region, region != MAP_FAILED else { fatalError("no address space for tensors: \(String(cString: strerror(errno)))") }
        madvise(region, size, MADV_HUGEPAGE)
        base = UInt(bitPattern: region)
        capacity = size
        state = Mutex(State(free: [0..<size]))
    }

    deinit { munmap(UnsafeMutableRawPointer(bitPattern: base), capacity) }

    func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer {
        let wanted = Self.rounded(byteCount)
        if byteCount < Self.smallest {
            state.withLock { $0.live += wanted; $0.peak = max($0.peak, $0.live) }
            var p: UnsafeMutableRawPointer?
            guard posix_memalign(&p, 64, wanted) == 0, let p else { fatalError("out of memory for \(byteCount) bytes") }
            return p
        }
        let start = state.withLock { state -> Int? in
            guard let i = state.free.firstIndex(where: { $0.count >= wanted }) else { return nil }
            let range = state.free[i]
            if range.count == wanted {
                state.free.remove(at: i)
            } else {
                state.free[i] = range.lowerBound + wanted..<range.upperBound
            }
            state.live += wanted
            state.peak = max(state.peak, state.live)
            state.touched = max(state.touched, range.lowerBound + wanted)
            if state.touched > state.opened {
                let end = min(capacity, (state.touched + Self.piece - 1) / Self.piece * Self.piece)
                guard mprotect(UnsafeMutableRawPointer(bitPattern: base + UInt(state.opened)), end - state.opened, PROT_READ | PROT_WRITE) == 0 else {
                    fatalError("out of memory for \(byteCount) bytes: \(String(cString: strerror(errno)))")
                }
                state.opened = end
            }
            return range.lowerBound
        }
        guard let start else { fatalError("a tensor of \(byteCount) bytes does not fit in \(capacity) bytes of address space") }
        return UnsafeMutableRawPointer(bitPattern: base + UInt(start))!
    }

    func free(_ pointer: UnsafeMutableRawPointer, _ byteCount: Int) {
        let size = Self.rounded(byteCount)
        if byteCount < Self.smallest {
            state.withLock { $0.live -= size }
            Foundation.free(pointer)
            return
        }
        let start = Int(UInt(bitPattern: pointer) - base)
        state.withLock { state in
            state.live -= size
            var low = 0, high = state.free.count
            while low < high {
                let middle = (low + high) / 2
                if state.free[middle].lowerBound < start { low = middle + 1 } else { high = middle }
            }
            var range = start..<start + size
            if low < state.free.count, state.free[low].lowerBound == range.upperBound {
                range = range.lowerBound..<state.free[low].upperBound
                state.free.remove(at: low)
            }
            if low > 0, state.free[low - 1].upperBound == range.lowerBound {
                state.free[low - 1] = state.free[low - 1].lowerBound..<range.upperBound
            } else {
                state.free.insert(range, at: low)
            }
        }
    }

    var live: Int { state.withLock { $0.live } }
    var peak: Int { state.withLock { $0.peak } }
    var idle: Int { state.withLock { max(0, $0.touched - $0.live) } }
    func resetPeak() { state.withLock { $0.peak = $0.live } }

    /// Returns the pages of free blocks to the system.
    func trim() {
        // Blocks lie closer than the pages of some arm64 kernels.
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        state.withLock { state in
            for range in state.free where range.lowerBound < state.touched {
                let start = (range.lowerBound + page - 1) / page * page, end = min(range.upperBound, state.touched) / page * page
                if start < end { madvise(UnsafeMutableRawPointer(bitPattern: base + UInt(start)), end - start, MADV_DONTNEED) }
            }
            state.touched = state.free.last.map { $0.upperBound == capacity ? $0.lowerBound : capacity } ?? capacity
        }
    }

    private static func rounded(_ byteCount: Int) -> Int {
        let unit = byteCount < smallest ? 64 : granularity
        return max(unit, (byteCount + unit - 1) / unit * unit)
    }
}
