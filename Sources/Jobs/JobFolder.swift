import Files
/// A job's folder as it lies in the inbox: which specifications it has.
public struct JobFolder: Sendable {
    /// Absolute.
    public let path: String
    /// The folder's own name: the job's.
    public let name: String

    public init(_ path: String) {
        self.path = ConfigurationPath.absolute(path)
        name = self.path.split(separator: "/").last.map(String.init) ?? "/"
    }

    /// One specification file.
    public struct SpecificationFile: Equatable, Sendable {
        /// `job.yaml`
        public let file: String
        /// `job`: the name of its result where the folder has several.
        public let name: String

        /// The file name without `.yaml` or `.yml`.
        public init(file: String) {
            self.file = file
            name = file.lastIndex(of: ".").map { String(file[..<$0]) } ?? file
        }
    }

    /// Every `*.yaml` and `*.yml` directly in the folder, by name: each is one job.
    public func specificationFiles() throws(FileError) -> [SpecificationFile] {
        try Folder.names(path)
            .filter { name in
                !IgnoredFiles.contains(name) && [".yaml", ".yml"].contains { name.lowercased().hasSuffix($0) && name.count > $0.count }
                    && !Folder.isDirectory(path + "/" + name)
            }
            .sorted().map(SpecificationFile.init)
    }

    /// The bytes of one of them; nil where it is not there.
    /// - Throws: where it cannot be read, and where it is a link that leaves the folder: what lies there is not this job's to show.
    public func contents(of file: String) throws(Fault) -> [UInt8]? {
        do {
            try JobPath(root: path).refuseLinkOut(file)
            return try Folder.contents(of: path + "/" + file, limit: YAMLReader.maximumBytes)
        } catch let refusal as JobPath.Refusal {
            throw Fault(file: file, refusal.reason, mayPass: refusal.mayPass)
        } catch {
            throw Fault(file: file, "cannot be read: \((error as? FileError)?.reasonForSpecification ?? "\(error)")", mayPass: (error as? FileError)?.mayPass ?? false)
        }
    }

    /// More of them than anybody writes.
    static let mostSpecifications = 100

    /// What makes the folder no job at all; empty where `segmix run` can be asked to look closer.
    ///
    /// - Parameter hasDefaultJob: whether the configuration makes a folder without a specification a job.
    public func faults(hasDefaultJob: Bool) throws(FileError) -> [Fault] {
        var hasMetadata = try Folder.isThere(path + "/metadata.jsonl")
        if !hasMetadata, try misnamedList() == nil { hasMetadata = try !SubjectFolders.names(in: path).isEmpty }
        let specifications = try specificationFiles()
        var faults: [Fault] = []
        if !hasMetadata {
            faults.append(Fault("the folder \(name.onOneLine()) has no metadata.jsonl, which lists its subjects and photos\(try hint())"))
        }
        if specifications.isEmpty, !hasDefaultJob {
            faults.append(Fault("the folder \(name.onOneLine()) has no job specification\(try nearSpecification() ?? "; add a job.yaml (an empty one takes every default), or set `default_job` in the daemon's configuration")"))
        }
        guard specifications.count <= Self.mostSpecifications else {
            return faults + [Fault("the folder \(name.onOneLine()) has \(specifications.count) job specifications, and each is a job; leave at most \(Self.mostSpecifications) of them in it")]
        }
        for (i, one) in specifications.enumerated() {
            if specifications.count > 1, ["input", "error.txt"].contains(one.name.lowercased()) {
                faults.append(Fault(file: one.file, "its result would be called \(one.name), as what is put beside the results of a job that failed; rename it"))
            }
            if let twin = specifications[..<i].first(where: { $0.name.lowercased() == one.name.lowercased() }) {
                faults.append(Fault(file: one.file, "has the same name as \(twin.file), and so would its result; rename one of them"))
            }
        }
        return faults
    }

    /// A file that was meant to be one.
    func nearSpecification() throws(FileError) -> String? {
        let near = try Folder.names(path).sorted().first { name in [".yaml.txt", ".yml.txt"].contains { name.lowercased().hasSuffix($0) } }
        return near.map { "; it has \($0.onOneLine()): take the .txt off its name, which Windows may hide" }
    }

    /// What was meant to be the list, for which no other is made up.
    func misnamedList() throws(FileError) -> String? {
        let names = try Folder.names(path).sorted()
        if let twin = names.first(where: { $0.lowercased() == "metadata.jsonl" }) { return "; the folder has \(twin): rename it" }
        return ["metadata.jsonl.txt", "metadata.json"].first(where: names.contains).map(Self.notTheList)
    }

    private static func notTheList(_ name: String) -> String {
        "; the folder has \(name), but what is wanted is one JSON object a line, in metadata.jsonl"
    }

    /// Where the metadata probably is.
    private func hint() throws(FileError) -> String {
        if let meant = try misnamedList() { return meant }
        let names = try Folder.names(path).sorted()
        if let other = ["metadata.txt", "metadata.csv"].first(where: names.contains) { return Self.notTheList(other) }
        if let inner = names.first(where: { Folder.exists(path + "/" + $0 + "/metadata.jsonl") }) {
            return "; its folder \(inner.onOneLine()) has one: put that folder into the inbox instead"
        }
        return "; the README shows how to write it"
    }
}
