import Foundation
import Jobs

/// What a report says of the run that it is of.
struct FinishedRun {
    private let name: String
    private let settings: [String: Any]

    /// nil where there is no report that can be read.
    init?(_ report: String) {
        guard let data = FileManager.default.contents(atPath: report), let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any],
            let name = object["name"] as? String, let settings = object["settings"] as? [String: Any]
        else { return nil }
        (self.name, self.settings) = (name, settings)
    }

    /// In what it was another job, in words; nil where it was this one. When a job may start makes it no other, nor do settings that
    /// only one of two versions knows.
    func difference(from job: Job) -> String? {
        guard name == job.name else { return "the job \(name)" }
        guard let data = try? JSONEncoder().encode(job.specification), let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any] else { return nil }
        let was = Self.values(settings), isNow = Self.values(object)
        let keys = Set(was.keys).intersection(isNow.keys).subtracting(["priority", "not_before"]).filter { was[$0] != isNow[$0] }
        // `seed` before the `render.seeds` that follow from it.
        return keys.min { ($0.contains(".") ? 1 : 0, $0) < ($1.contains(".") ? 1 : 0, $1) }.map { "a run with \($0) \(was[$0]!), and this one has \(isNow[$0]!)" }
    }

    /// `render.seeds` → `[5]`
    private static func values(_ object: [String: Any], in table: String = "") -> [String: String] {
        object.reduce(into: [:]) { all, entry in
            if let inner = entry.value as? [String: Any] { return all.merge(values(inner, in: table + entry.key + ".")) { $1 } }
            let data = try? JSONSerialization.data(withJSONObject: entry.value, options: [.fragmentsAllowed, .withoutEscapingSlashes])
            all[table + entry.key] = String(decoding: data ?? Data(), as: UTF8.self)
        }
    }
}
