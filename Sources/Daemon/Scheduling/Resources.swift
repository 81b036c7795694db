import Foundation
import Jobs

/// What the machine has for jobs, and what fits.
struct Resources: Sendable {
    /// How many jobs may run at once.
    let workers: Int
    /// For each of them.
    let coresPerJob: Int
    /// For all of them, in bytes.
    let memory: Int

    init(_ configuration: Configuration, machineCores: Int = ProcessInfo.processInfo.activeProcessorCount, machineMemory: Int = Self.machineMemory) {
        workers = configuration.workers
        coresPerJob = max(1, (configuration.cores ?? machineCores) / configuration.workers)
        memory = configuration.memory ?? machineMemory / 10 * 9
    }

    /// That of this machine, or what the service or container may have of it.
    static var machineMemory: Int { (try? MemoryBudget.now().total) ?? Int(ProcessInfo.processInfo.physicalMemory) }

    /// What is asked of a job that is to run beside others: an even share, for which more is computed again where it is little.
    var share: Int { memory / workers }

    /// The environment of a process that may take so much memory; a smaller limit that is there already holds.
    static func limiting(_ environment: [String: String], to bytes: Int) -> [String: String] {
        let given = environment[MemoryBudget.environmentKey].flatMap { Quantity.bytes($0) } ?? .max
        return environment.merging([MemoryBudget.environmentKey: String(min(given, max(bytes, 1 << 20)))]) { $1 }
    }

    /// Whether one more job that needs `memory` bytes fits beside those that run; a job that is too large for the machine runs alone.
    func fits(_ needed: Int, beside running: [Int]) -> Bool {
        running.isEmpty || (running.count < workers && running.reduce(needed, +) <= memory)
    }
}
