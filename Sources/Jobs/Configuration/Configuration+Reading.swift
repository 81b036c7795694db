import Files
import Foundation
extension Configuration {
    /// Reads a configuration file; relative paths in it are relative to its folder.
    ///
    /// - Throws: every fault at once.
    public static func load(_ path: String) throws(FaultList) -> Configuration {
        let bytes: [UInt8]?
        do throws(FileError) {
            bytes = try Folder.contents(of: path, limit: YAMLReader.maximumBytes)
        } catch {
            throw FaultList([Fault(error.description)])
        }
        guard let bytes else {
            throw FaultList([Fault("the configuration \(path) is not there; create it (etc/segmixd.yaml of the source is a commented example), or name another with `--config`")])
        }
        return try parse(bytes, path: path)
    }

    /// Reads a configuration's text as if it lay at `path`.
    static func parse(_ bytes: [UInt8], path: String) throws(FaultList) -> Configuration {
        let root: YAMLNode
        do throws(Fault) { root = try YAMLReader.parse(bytes, file: path) } catch { throw FaultList([error]) }
        guard let entries = root.entries else {
            throw FaultList([root.location.fault("a configuration is a table of `key: value` lines, not \(root.quoted)")])
        }
        let values = KeyedValues(entries)
        var configuration = Configuration()
        let absolute = ConfigurationPath.absolute(path)
        configuration.path = absolute
        configuration.read(values, folder: Directory.parent(of: absolute))
        values.reportUnknownKeys()
        try values.faults.inReadingOrder().throwIfAny()
        return configuration
    }

    private mutating func read(_ values: KeyedValues, folder: String) {
        inbox = values.path("inbox", from: folder) ?? inbox
        outbox = values.path("outbox", from: folder) ?? outbox
        state = values.path("state", from: folder) ?? state
        settleSeconds = values.seconds("settle_seconds", 0...86_400, default: settleSeconds)
        rescanSeconds = values.seconds("rescan_seconds", 0.05...86_400, default: rescanSeconds)
        maxAttempts = values.integer("max_attempts", 1...1000, default: maxAttempts)
        minFreeSpace = values.size("min_free_space", mayBeNone: true) ?? minFreeSpace
        cacheSize = values.size("cache_size", mayBeNone: true) ?? cacheSize
        maskModels = values.path("mask_models", from: folder)
        if let node = values.value("hours") {
            hours = node.text.flatMap(RunningHours.init)
            if hours == nil { values.wrong(node, "hours", "a span of the day such as `22:00-06:00`", ()) }
        }
        workers = values.integer("workers", 1...256, default: workers)
        if values.isGiven("cores") { cores = values.integer("cores", 1...4096, default: 1) }
        memory = values.size("memory")
        memoryPerJob = values.size("memory_per_job")
        stallSeconds = values.seconds("stall_seconds", 1...604_800, default: stallSeconds)
        onFinish = values.string("on_finish")
        onFailure = values.string("on_failure")
        readStatusPage(values)
        statusToken = values.string("status_token")
        readModels(values, folder)
        readDefaultJob(values, folder)
        checkDirectories(values)
    }

    /// An address, a port, both, or `none`.
    private mutating func readStatusPage(_ values: KeyedValues) {
        guard let node = values.value("status_page") else { return }
        let text = node.text?.lowercased() ?? ""
        if node.boolean == false || text == "none" {
            statusPage = nil
            return
        }
        let standard = statusPage!
        let hasPort = text.contains("]:") || (text.count { $0 == ":" } == 1 && !text.hasPrefix("["))
        let full = Int(text) != nil ? "127.0.0.1:\(text)" : hasPort ? text : text + standard.suffix(5)
        let port = full[full.index(after: full.lastIndex(of: ":")!)...]
        let address = full[..<full.lastIndex(of: ":")!]
        let isPlain = !address.isEmpty && address.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || ".-[]:".contains($0)) }
        guard isPlain, let number = Int(port), (1...65_535).contains(number) else {
            return values.wrong(node, "status_page", "an address and a port such as `127.0.0.1:7474`, or `none`", ())
        }
        statusPage = full
    }

    private mutating func readModels(_ values: KeyedValues, _ folder: String) {
        guard let table = values.table("models", of: "name: {base: DIRECTORY}") else { return }
        for entry in table.entries {
            guard let model = table.table(entry.key, of: "base, vae, owlv2, sam, dinov2, variant") else { continue }
            let base = model.path("base", from: folder)
            if base == nil, model.faults.isEmpty {
                model.report([entry.location.fault("`models.\(entry.key)` has no `base`, the directory of the SDXL model")])
            }
            func other(_ key: String) -> String? { model.path(key, from: folder) }
            models[entry.key] = Model(
                base: base ?? folder, vae: other("vae"), owlv2: other("owlv2"), sam: other("sam"), dinov2: other("dinov2"),
                variant: model.value("variant") == nil ? nil : model.choice("variant", default: .fp16))
            model.reportUnknownKeys()
            table.report(model.faults)
        }
        values.report(table.faults)
    }

    /// A table, or the path of a specification file.
    private mutating func readDefaultJob(_ values: KeyedValues, _ folder: String) {
        guard let node = values.value("default_job") else { return }
        var job = node
        if node.text != nil {
            guard let path = values.path("default_job", from: folder) else { return }
            do throws(FileError) {
                guard let bytes = try Folder.contents(of: path, limit: YAMLReader.maximumBytes) else { throw FileError("read", path, code: ENOENT) }
                do throws(Fault) { job = try YAMLReader.parse(bytes, file: path) } catch {
                    values.report([error])
                    return
                }
            } catch {
                values.report(node, "`default_job` is to be a job specification or the path of one, but \(error)")
                return
            }
        }
        guard job.entries != nil else {
            values.report(node, "`default_job` must be a table of a job specification's keys, or the path of one, not \(node.quoted)")
            return
        }
        values.report(JobSpecification.read(job).1)
        defaultJob = job
    }

    /// No directory may lie inside another: the outbox would be taken for a job.
    private func checkDirectories(_ values: KeyedValues) {
        // By where they lead; by their names where that cannot be told, because a share hangs.
        let given = [inbox, outbox, state], paths = FileExecutor.answer(within: 5) { given.map { Self.target(of: $0) } } ?? given
        let directories = Array(zip(["inbox", "outbox", "state"], paths))
        for (i, (name, path)) in directories.enumerated() {
            for (otherName, other) in directories[(i + 1)...] {
                let place = values.location(otherName) ?? values.location(name) ?? .init(file: self.path ?? Self.defaultPath)
                if path == other {
                    values.report([place.fault("`\(name)` and `\(otherName)` are the same directory (\(path)); each needs its own")])
                } else if other.hasPrefix(path + "/") || path.hasPrefix(other + "/") {
                    let (inner, outer) = other.hasPrefix(path + "/") ? (otherName, name) : (name, otherName)
                    values.report([place.fault("`\(inner)` lies inside `\(outer)`; put them side by side")])
                }
            }
        }
    }
}

extension Configuration {
    /// A path without the links in it, as far as it is there.
    private static func target(of path: String) -> String {
        if let real = Directory.resolved(path) { return real }
        let above = Directory.parent(of: path)
        guard above != path, above != ".", let name = path.split(separator: "/").last else { return path }
        return Directory.joined(target(of: above), String(name))
    }
}

extension KeyedValues {
    /// A number of bytes; nil where it is left out.
    func size(_ key: String, mayBeNone: Bool = false) -> Int? {
        guard let node = value(key) else { return nil }
        return node.text.flatMap { Quantity.bytes(ofMany: $0, mayBeNone: mayBeNone) } ?? wrong(node, key, "a size such as `10 GiB`, of a MiB at least", nil)
    }

    /// A duration in seconds, with or without a unit.
    func seconds(_ key: String, _ range: ClosedRange<Double>, default fallback: Double) -> Double {
        guard let node = value(key) else { return fallback }
        guard let value = node.text.flatMap(Quantity.seconds), range.contains(value) else {
            let ends = "from \(NumberRange.short(range.lowerBound)) s to \(NumberRange.short(range.upperBound)) s"
            return wrong(node, key, "a duration \(ends), such as `30` or `5 min`", fallback)
        }
        return value
    }
}
