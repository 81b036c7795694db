import Foundation
import Jobs

/// What a report says of the run that it is of.
struct FinishedRun {
    private let name: String
    private let model: String?, inputs: String?
    private let settings: [String: Any]

    /// nil where there is no report that can be read.
    init?(_ report: String) {
        guard let data = FileManager.default.contents(atPath: report), let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any],
            let name = object["name"] as? String, let settings = object["settings"] as? [String: Any]
        else { return nil }
        (self.name, self.settings) = (name, settings)
        (model, inputs) = (object["model"] as? String, object["inputs"] as? String)
    }

    /// In what it was another job, in words; nil where it was this one. When a job may start makes it no other.
    func difference(from job: Job, model: String) throws -> String? {
        guard name == job.name else { return "the job \(name)" }
        if let was = self.model, Self.real(was) != Self.real(model) { return "a run with the model \(was), and this one has \(model)" }
        if let inputs, try inputs != job.inputs() { return "other photos, masks or captions" }
        let data = try JSONEncoder().encode(job.specification)
        guard let now = try JSONSerialization.jsonObject(with: data) as? [String: Any] else { return nil }
        // A report that another version wrote lacks settings, or has some that are unknown here; else one that is missing was not given.
        let isComplete = (try? JSONDecoder().decode(JobSpecification.self, from: JSONSerialization.data(withJSONObject: settings))) != nil
        let keys = isComplete ? Set(settings.keys).union(now.keys) : Set(settings.keys).intersection(now.keys)
        let others = keys.subtracting(["model", "priority", "not_before"]).filter { Self.text(settings[$0]) != Self.text(now[$0]) }
        // `seed` before the `render.seeds` that follow from it.
        guard let key = others.min(by: { ($0 == "render" ? 1 : 0, $0) < ($1 == "render" ? 1 : 0, $1) }) else { return nil }
        if let was = settings[key] as? [String: Any], let isNow = now[key] as? [String: Any],
            let inner = Set(was.keys).union(isNow.keys).sorted().first(where: { Self.text(was[$0]) != Self.text(isNow[$0]) })
        {
            return "a run with \(key).\(inner) \(Self.text(was[inner])), and this one has \(Self.text(isNow[inner]))"
        }
        return "a run with \(key) \(Self.text(settings[key])), and this one has \(Self.text(now[key]))"
    }

    /// However it is spelt, and through whatever links.
    private static func real(_ path: String) -> String { URL(fileURLWithPath: path).resolvingSymlinksInPath().standardizedFileURL.path }

    private static func text(_ value: Any?) -> String {
        guard let value else { return "unset" }
        let data = try? JSONSerialization.data(withJSONObject: value, options: [.sortedKeys, .fragmentsAllowed, .withoutEscapingSlashes])
        return String(decoding: data ?? Data(), as: UTF8.self)
    }
}
