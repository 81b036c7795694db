import Dispatch
import Foundation
import Synchronization

/// Splits work over the cores. One pool (libdispatch's); OpenBLAS is held to one thread, so the two never fight.
struct Threads: Sendable {
    let count: Int
    private let scratch: ScratchPool

    /// - Parameter count: how many threads; by default the cores that this process may use.
    init(count: Int) {
        self.count = count
        scratch = ScratchPool()
    }

    /// Runs `body` for every task, in any order, on up to `count` threads. Tasks write disjoint memory.
    func run(_ tasks: Int, _ body: (Int) -> Void) {
        run(tasks, scratch: 0) { task, _ in body(task) }
    }

    /// The same, with `scratch` floats of memory for each thread.
    func run(_ tasks: Int, scratch floats: Int, _ body: (Int, UnsafeMutablePointer<Float>) -> Void) {
        let workers = min(count, tasks)
        guard workers > 0 else { return }
        let next = TaskCounter()
        withoutActuallyEscaping(body) { body in
            nonisolated(unsafe) let body = body
            let work: @Sendable (Int) -> Void = { _ in
                let memory = scratch.take(floats)
                while true {
                    let task = next.take()
                    if task >= tasks { break }
                    body(task, memory.pointer)
                }
                scratch.giveBack(memory)
            }
            if workers == 1 { work(0) } else { DispatchQueue.concurrentPerform(iterations: workers, execute: work) }
        }
    }

    /// Runs `body` with memory that all threads may share.
    func withScratch(_ floats: Int, _ body: (UnsafeMutablePointer<Float>) -> Void) {
        let memory = scratch.take(floats)
        body(memory.pointer)
        scratch.giveBack(memory)
    }

    /// Splits 0..<count into about even ranges of at least `least` and runs them.
    func ranges(_ total: Int, least: Int = 1, _ body: (Range<Int>) -> Void) {
        let parts = max(1, min(count, total / max(least, 1)))
        run(parts) { part in body(total * part / parts..<total * (part + 1) / parts) }
    }
}

private final class TaskCounter: Sendable {
    private let value = Atomic<Int>(0)
    func take() -> Int { value.wrappingAdd(1, ordering: .relaxed).oldValue }
}

/// Scratch blocks that are kept between calls.
private final class ScratchPool: Sendable {
    struct Block: @unchecked Sendable {
        let pointer: UnsafeMutablePointer<Float>
        let floats: Int
    }

    private let idle = Mutex<[Block]>([])

    func take(_ floats: Int) -> Block {
        let found = idle.withLock { blocks -> Block? in
            guard let i = blocks.lastIndex(where: { $0.floats >= floats }) else {
                // One too small is replaced rather than kept beside a larger one.
                if let old = blocks.popLast() { free(old.pointer) }
                return nil
            }
            return blocks.remove(at: i)
        }
        if let found { return found }
        var p: UnsafeMutableRawPointer?
        let size = max(floats, 1024)
        guard posix_memalign(&p, 64, size * 4) == 0, let p else { fatalError("out of memory for \(size) floats of scratch") }
        return Block(pointer: p.assumingMemoryBound(to: Float.self), floats: size)
    }

    func giveBack(_ block: Block) { idle.withLock { $0.append(block) } }

    deinit { idle.withLock { for block in $0 { free(block.pointer) } } }
}
