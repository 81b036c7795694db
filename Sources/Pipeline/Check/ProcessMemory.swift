import Foundation

/// What this process holds now and has held at most, in bytes, from proc(5).
struct ProcessMemory: Sendable {
    /// All that is in memory; of it mapped files (the models' weights).
    let resident, files: Int
    /// The most that ever was in memory.
    let peak: Int

    static func now() -> ProcessMemory {
        let text = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        func field(_ name: String) -> Int {
            guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(name + ":") }) else { return 0 }
            return (line.dropFirst(name.count + 1).split(whereSeparator: \.isWhitespace).first.flatMap { Int($0) } ?? 0) * 1024
        }
        return ProcessMemory(resident: field("VmRSS"), files: field("RssFile"), peak: field("VmHWM"))
    }
}

/// `2.6 GiB`, `340 MiB`.
func words(bytes: Int) -> String {
    let mebi = Double(bytes) / Double(1 << 20)
    return mebi < 999.5 ? String(format: "%.0f MiB", mebi) : String(format: "%.1f GiB", mebi / 1024)
}
