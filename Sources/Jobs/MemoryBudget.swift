import Files
import Foundation

/// How much memory this process may have: the machine's, less where a control group (systemd's `MemoryMax=`, a container's
/// limit) or `SEGMIX_MEMORY` says so. What a queue has set aside for the process (`SEGMIX_MEMORY_SHARE`) is what it plans with, and
/// nothing is refused for it.
public struct MemoryBudget: Sendable, Equatable {
    /// Bytes that there are, and those of them that are free now.
    public let total, available: Int
    /// Who says so, for sentences.
    public let source: String
    /// Whether what is free is what was set aside.
    public let isShare: Bool
    /// For how many bytes, mapped files aside, the process is ended.
    public let perJob: Int?
    /// What may be asked for, whether it is used or not, mapped files aside; nil: no limit.
    public let asked: Asked?

    /// A limit on what a process asks for: systemd's `LimitDATA=`, a kernel that promises no more than it has.
    public struct Asked: Sendable, Equatable {
        public let total, available: Int
        public let source: String
    }

    public init(total: Int, available: Int, source: String, isShare: Bool = false, perJob: Int? = nil, asked: Asked? = nil) {
        (self.total, self.available, self.source, self.isShare) = (total, available, source, isShare)
        (self.perJob, self.asked) = (perJob, asked)
    }

    public static let environmentKey = "SEGMIX_MEMORY", shareKey = "SEGMIX_MEMORY_SHARE", perJobKey = "SEGMIX_MEMORY_PER_JOB"

    /// What there would be with so many bytes free, whatever is free at the moment.
    public func supposing(free bytes: Int) -> MemoryBudget { MemoryBudget(total: total, available: min(total, bytes), source: source, asked: asked) }

    /// What is left for tensors beside so many bytes, of which `mapped` are files.
    public func room(beside bytes: Int, mapped: Int) -> Int { min(available - bytes, asked.map { $0.available - (bytes - mapped) } ?? .max) }

    /// A `SEGMIX_MEMORY` that is no size counts for nothing; `EngineVariables.check` has refused it.
    /// - Parameters:
    ///   - root: where `/proc` and `/sys` are looked for.
    public static func now(environment: [String: String] = ProcessInfo.processInfo.environment, root: String = "") -> MemoryBudget {
        var budgets = groups(root)
        if let machine = machine(root) { budgets.append(machine) }
        if let bytes = environment[environmentKey].flatMap({ Quantity.bytes(ofMany: $0) }) {
            budgets.append(MemoryBudget(total: bytes, available: bytes, source: environmentKey))
        }
        let physical = Int(ProcessInfo.processInfo.physicalMemory)
        guard let least = budgets.min(by: { $0.total < $1.total }) else {
            return MemoryBudget(total: physical, available: physical, source: "this machine's memory")
        }
        let free = budgets.map(\.available).min()!, share = environment[shareKey].flatMap { Int($0) } ?? .max
        return MemoryBudget(total: least.total, available: min(free, share), source: least.source, isShare: share < free, perJob: environment[perJobKey].flatMap { Int($0) },
            asked: asked(root, threads: environment["SEGMIX_THREADS"].flatMap { Int($0) }.map { min($0, Processors.allowed) } ?? Processors.usable(root: root)))
    }

    /// A twentieth is left to the system and to what was not foreseen.
    private static func usable(_ bytes: Int) -> Int { bytes / 20 * 19 }

    private static func machine(_ root: String) -> MemoryBudget? {
        let fields = table(root + "/proc/meminfo", separator: ":")
        guard let total = fields["MemTotal"], let available = fields["MemAvailable"] else { return nil }
        return MemoryBudget(total: usable(total * 1024), available: usable(available * 1024), source: "this machine's memory")
    }

    /// The tightest limit on what is asked for, less what OpenBLAS asks for: 128 MiB for each thread, and where it is refused, again without end.
    private static func asked(_ root: String, threads: Int) -> Asked? {
        func limit(_ bytes: Int, taken: Int, _ source: String) -> Asked {
            let left = bytes - threads * 128 << 20
            return Asked(total: usable(max(0, left)), available: usable(max(0, left - taken)), source: source)
        }
        var found: [Asked] = []
        let machine = table(root + "/proc/meminfo", separator: ":")
        if (try? String(contentsOfFile: root + "/proc/sys/vm/overcommit_memory", encoding: .utf8))?.hasPrefix("2") == true,
            let most = machine["CommitLimit"], let taken = machine["Committed_AS"] {
            found.append(limit(most * 1024, taken: taken * 1024, "this machine promises no more, vm.overcommit_memory being 2"))
        }
        let limits = (try? String(contentsOfFile: root + "/proc/self/limits", encoding: .utf8))?.split(separator: "\n") ?? []
        func soft(_ name: String) -> Int? { limits.first { $0.hasPrefix(name) }.flatMap { Int($0.dropFirst(name.count).split(separator: " ").first ?? "") } }
        if let most = soft("Max data size") {
            let taken = table(root + "/proc/self/status", separator: ":")["VmData"] ?? 0
            found.append(limit(most, taken: taken * 1024, "the limit on this process's data, LimitDATA= or ulimit -d"))
        }
        // Of its addresses tensors get half; mapped files are in the other.
        if let most = soft("Max address space") {
            found.append(limit(most / 2, taken: 0, "half of the limit on this process's addresses, LimitAS= or ulimit -v"))
        }
        return found.min { $0.total < $1.total }.map { tightest in
            Asked(total: tightest.total, available: found.map(\.available).min()!, source: tightest.source)
        }
    }

    /// Limits of the process's control groups and of those above them: version 2's, and version 1's.
    private static func groups(_ root: String) -> [MemoryBudget] {
        ControlGroups.all("memory", root: root).compactMap { group in
            group.isSecond ? budget(group, "memory.max", "memory.current", ["inactive_file", "active_file"])
                : budget(group, "memory.limit_in_bytes", "memory.usage_in_bytes", ["total_inactive_file", "total_active_file"])
        }
    }

    /// nil where there is no limit. Pages of files can be read again and do not count as taken.
    private static func budget(_ group: ControlGroups.Group, _ limitFile: String, _ usageFile: String, _ reclaimable: [String]) -> MemoryBudget? {
        // Version 1 says "none" with a number as large as the address space.
        guard let limit = group.text(limitFile).flatMap({ Int($0) }), limit < 1 << 60 else { return nil }
        let statistics = table(group.folder + "/memory.stat", separator: " ")
        let used = max(0, (group.text(usageFile).flatMap { Int($0) } ?? 0) - reclaimable.reduce(0) { $0 + (statistics[$1] ?? 0) })
        return MemoryBudget(total: usable(limit), available: usable(max(0, limit - used)), source: "the memory limit of this service or container")
    }

    /// Lines of a name and a number.
    private static func table(_ path: String, separator: Character) -> [String: Int] {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return [:] }
        var fields: [String: Int] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: separator, maxSplits: 1)
            guard parts.count == 2, let number = parts[1].split(whereSeparator: \.isWhitespace).first.flatMap({ Int($0) }) else { continue }
            fields[String(parts[0])] = number
        }
        return fields
    }
}
