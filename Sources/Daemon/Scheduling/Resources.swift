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

    /// Whether one more job that needs `memory` bytes fits beside those that run; a job that is too large for the machine runs alone.
    func fits(_ needed: Int, beside running: [Int]) -> Bool {
        running.isEmpty || (running.count < workers && running.reduce(needed, +) <= memory)
    }
}
