import Files
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

    init(_ configuration: Configuration, machineCores: Int = Processors.usable(), machineMemory: Int = Self.machineMemory) {
        workers = configuration.workers
        coresPerJob = max(1, (configuration.cores ?? machineCores) / configuration.workers)
        memory = configuration.memory ?? machineMemory / 10 * 9
    }

    /// That of this machine, or what the service or container may have of it.
    static var machineMemory: Int { MemoryBudget.now().total }

    /// What is asked of a job that is to run beside others: an even share, for which more is computed again where it is little.
    var share: Int { memory / workers }

    /// `SEGMIX_THREADS` of a worker: what is there already, or its part of the cores; nil: all that there are.
    static func threads(_ configuration: Configuration, _ environment: [String: String]) -> String? {
        if let given = environment["SEGMIX_THREADS"] { return given }
        return configuration.workers > 1 || configuration.cores != nil ? String(Resources(configuration).coresPerJob) : nil
    }

    /// Whether one more job that needs `memory` bytes fits beside those that run; a job that is too large for the machine runs alone.
    func fits(_ needed: Int, beside running: [Int]) -> Bool {
        running.isEmpty || (running.count < workers && running.reduce(needed, +) <= memory)
    }
}
