/// Where the values of a specification come from, each source over the one before it: the built-in defaults,
/// the configuration's `default_job`, the job's own file, `--set`.
struct SpecificationLayers {
    private var layers: [YAMLNode] = []
    private(set) var faults: [Fault] = []

    init() {}

    /// A table that is already read: the configuration's `default_job`.
    mutating func add(_ node: YAMLNode) {
        guard node.entries != nil else {
            faults.append(node.location.fault("a job specification is a table of `key: value` lines, not \(node.quoted)"))
            return
        }
        layers.append(node)
    }

    /// A specification file's bytes; `name` is how faults call it.
    mutating func add(file bytes: [UInt8], name: String) {
        do throws(Fault) { add(try YAMLReader.parse(bytes, file: name)) } catch { faults.append(error) }
    }

    /// `key=value` or `table.key=value` of the command line.
    ///
    /// A value that begins with `[`, `{` or a quote is read as YAML, everything else is taken as it stands, so that
    /// a prompt with a colon or a `#` needs no quotes beyond the shell's.
    mutating func add(setting: String) {
        guard let equals = setting.firstIndex(of: "="), equals != setting.startIndex else {
            faults.append(Fault(file: "--set", "`\(setting)` is not of the form key=value"))
            return
        }
        let path = setting[..<equals].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard !path.contains("") else {
            faults.append(Fault(file: "--set", "`\(setting)` is not of the form key=value"))
            return
        }
        let location = YAMLNode.Location(file: "--set \(setting[..<equals])")
        let text = setting[setting.index(after: equals)...]
        guard !text.allSatisfy(\.isWhitespace) else {
            faults.append(location.fault("there is no value behind `\(setting)`; for an empty text write `\(setting[...equals])\"\"`, with the shell's quotes around it"))
            return
        }
        var node = YAMLNode(.scalar(text.withoutOuterSpace, isPlain: true), at: location)
        if let first = text.first, "[{\"'".contains(first) {
            do throws(Fault) {
                node = try YAMLReader.parse(Array(text.utf8), file: location.file, hasLines: false)
            } catch {
                faults.append(error)
                return
            }
        }
        for key in path.reversed() {
            node = YAMLNode(.mapping([.init(key: key, location: location, value: node)]), at: location)
        }
        layers.append(node)
    }

    /// The specification that results, with the default where a value is at fault, and every fault.
    func resolve() -> (JobSpecification, [Fault]) {
        let (specification, faults) = JobSpecification.read(merged)
        return (specification, self.faults + faults)
    }

    /// All layers as one table.
    var merged: YAMLNode {
        layers.reduce(YAMLNode(.mapping([]), at: .init(file: "job specification"))) { $0.merged(with: $1) }
    }
}
