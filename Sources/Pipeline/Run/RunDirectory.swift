import Files
import Foundation
import Jobs

/// Where a run's files lie in its output directory.
struct RunDirectory: Sendable {
    let path: String
    /// The job's name, with room for an ending and without characters that some file systems refuse: that of `NAME.safetensors`.
    let name: String

    init(_ path: String, name: String) {
        self.path = path
        self.name = ResultName.shortenedForAll(ResultName.portable(name) ?? name)
    }

    /// What is only needed to go on after a stop; gone when the job is done.
    var working: String { path + "/.segmixd" }
    var resumePoints: String { working + "/resume" }
    /// What is told where no daemon keeps it.
    var log: String { path + "/job.log" }
    var metrics: String { path + "/metrics.jsonl" }
    var samples: String { path + "/samples" }
    var report: String { path + "/report.json" }
    var page: String { path + "/report.html" }
    var contactSheet: String { samples + "/contact-sheet.png" }
    /// The pictures that `best_checkpoint` compared, on one.
    var checkpointSheet: String { samples + "/checkpoints.png" }
    /// What the run has spent so far.
    var clock: String { working + "/clock.json" }
    var knownScores: String { working + "/scores.json" }
    /// The pictures that might have joined a second round, on one.
    var candidateSheet: String { samples + "/candidates.png" }
    /// Where everything of the first of two rounds lies once the second has begun.
    var firstRound: String { path + "/" + Self.firstRoundName }
    static let firstRoundName = "round-1"
    /// What the first round left to the second; there from the moment when it is known.
    var firstRoundRecord: String { working + "/round-1.json" }
    /// There as soon as the first round's files have been put aside.
    private var secondRoundMark: String { working + "/round-2" }
    var tensorBoard: String { path + "/tensorboard" }
    var masks: String { path + "/masks" }

    /// Whether a training goes by what is there: its resume points say what its masks and prior images were.
    /// - Throws: `FileError` where that cannot be found out.
    func hasBegun() throws(FileError) -> Bool {
        if try Folder.isThere(resumePoints), try !Folder.names(resumePoints).isEmpty { return true }
        return try Folder.isThere(firstRoundRecord)
    }

    /// The folder of the LoRA files after `step` steps; nil: the final ones.
    func loraFolder(step: Int?) -> String { step.map { path + "/save-\($0)" } ?? path }
    func diffusersFile(step: Int? = nil) -> String { loraFolder(step: step) + "/pytorch_lora_weights.safetensors" }
    func kohyaFile(step: Int? = nil) -> String { loraFolder(step: step) + "/\(name).safetensors" }

    /// As the report says a path: from the result's folder on.
    func relative(_ path: String) -> String { path.hasPrefix(self.path + "/") ? String(path.dropFirst(self.path.count + 1)) : path }

    /// How the validation pictures after a step are called, before their number.
    static func validationPrefix(_ step: Int) -> String { String(format: "step-%06ld", step) }

    /// The step whose validation picture a file of `samples` is; nil: it is another.
    static func validationStep(of file: String) -> Int? {
        let name = file.split(separator: "/").last ?? ""
        return name.hasPrefix("step-") ? name.dropFirst(5).split(separator: "-").first.flatMap { Int($0) } : nil
    }

    /// The steps below `end` after which a LoRA was kept, in order.
    func savedSteps(before end: Int) throws(FileError) -> [Int] {
        try Folder.names(path).compactMap { $0.hasPrefix("save-") ? Int($0.dropFirst(5)) : nil }
            .filter { $0 < end && Folder.exists(diffusersFile(step: $0)) }.sorted()
    }

    /// The LoRA files that are there, those after `step` steps or the final ones, from the result's folder on.
    func loraFiles(step: Int? = nil) -> [String] { [diffusersFile(step: step), kohyaFile(step: step)].filter { Folder.exists($0) }.map(relative) }

    /// A run that was begun here and can go on.
    var isUnfinished: Bool { Folder.exists(working) }
    /// Anything of a run, finished or not.
    var holdsRun: Bool { isUnfinished || [metrics, report, diffusersFile()].contains { Folder.exists($0) } }

    /// Paths of the pictures in `samples`, by name; those of the run before a stop are among them.
    func pictures() throws(FileError) -> [String] {
        guard Folder.leadsToDirectory(samples) else { return [] }
        return try Folder.names(samples).filter { $0.hasSuffix(".png") && !$0.hasPrefix(".") }.sorted().map { samples + "/" + $0 }
    }

    /// Paths of the pictures in `masks` that a person looks at: overlays where there are any, else the masks.
    func maskPictures() throws(FileError) -> [String] {
        guard Folder.leadsToDirectory(masks) else { return [] }
        let names = try Folder.names(masks).filter { name in !name.hasPrefix(".") && [".png", ".jpg"].contains { name.hasSuffix($0) } }.sorted()
        let overlays = names.filter { $0.hasPrefix("overlay") }, ofPriors = "overlay-prior-"
        // Photos before prior images, of which there are many more.
        let ordered = overlays.filter { !$0.hasPrefix(ofPriors) } + overlays.filter { $0.hasPrefix(ofPriors) }
        return (overlays.isEmpty ? names : ordered).map { masks + "/" + $0 }
    }

    /// Puts what the first round has written into `round-1`, and lets its resume points go. After a stop it is called again and
    /// goes on; nothing of a second round is written before it has ended.
    func putFirstRoundAside() throws {
        guard try !Folder.isThere(secondRoundMark) else { return }
        try Directory.create(firstRound)
        let saves = try Folder.names(path).filter { $0.hasPrefix("save-") }
        let files = [diffusersFile(), kohyaFile(), metrics, samples, tensorBoard].map { URL(fileURLWithPath: $0).lastPathComponent }
        for name in saves + files where Folder.exists(path + "/" + name) {
            guard rename(path + "/" + name, firstRound + "/" + name) == 0 else { throw FileError("move", path + "/" + name, code: errno) }
        }
        try Directory.flush(firstRound)
        try Directory.flush(path)
        try Directory.removeTree(resumePoints)
        try AtomicFile.write("", to: secondRoundMark)
    }

    /// The end of a job: what was only needed to go on goes. It has another name first, so that half of it is never taken for a
    /// run that was stopped.
    func finish() throws {
        try removeWhatIsDone()
        guard rename(working, done) == 0 else { throw FileError("move", working, code: errno) }
        try Directory.flush(path)
        try removeWhatIsDone()
    }

    private var done: String { path + "/.segmixd-done" }

    /// What a process that was killed in its last moment has left of it.
    func removeWhatIsDone() throws(FileError) { try Directory.removeTree(done) }

    /// Removes what a process that was killed had not finished writing.
    func removeLeftovers() throws(FileError) {
        guard Folder.leadsToDirectory(path) else { return }
        let saves = try Folder.names(path).filter { $0.hasPrefix("save-") }.map { path + "/" + $0 }
        for folder in [path, working, resumePoints, samples, tensorBoard] + saves where Folder.leadsToDirectory(folder) {
            try AtomicFile.removeLeftovers(in: folder)
        }
    }

    /// - Throws: `FileError`.
    func create() throws(FileError) {
        try Directory.create(path)
        try Directory.create(working)
    }
}
