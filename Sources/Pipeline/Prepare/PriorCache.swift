import Files
import Foundation
import Jobs

/// Prior images that earlier jobs drew, in the state directory: one folder for each `PriorPlan.key`, one image with its
/// mask and record each under its number. A hundred jobs on corgis draw the corgis once.
///
/// Any number of jobs may use it at once: an image is a pure function of its folder's key and its number, so whoever
/// writes one writes the same bytes, every file appears whole, and the record, which comes last, says that the others are
/// there. The folder that was not used for longest goes first where they are too large together. What a job uses it has
/// copied, so nothing is lost when its folder goes.
struct PriorCache {
    let path: String
    /// In bytes.
    let limit: Int

    /// One image with its mask and how they came about.
    struct Entry {
        var image, mask, overlay: Data
        var record: MaskRecord
    }

    private func file(_ key: String, _ index: Int, _ kind: String) -> String { String(format: "%@/%@/%06d%@", path, key, index, kind) }

    /// Whether there is anything of a plan.
    func holds(_ key: String) -> Bool { Folder.isDirectory(path + "/" + key) }

    /// nil where it is not there, or not whole.
    func entry(_ key: String, _ index: Int) -> Entry? {
        let manager = FileManager.default
        guard let text = manager.contents(atPath: file(key, index, ".json")), let record = try? JSONDecoder().decode(MaskRecord.self, from: text),
            let image = manager.contents(atPath: file(key, index, ".png")), let mask = manager.contents(atPath: file(key, index, "-mask.png")),
            let overlay = manager.contents(atPath: file(key, index, "-overlay.png")),
            record.key == digest(image, mask, overlay)
        else { return nil }
        touch(key)
        return Entry(image: image, mask: mask, overlay: overlay, record: record)
    }

    /// - Throws: `FileError`.
    func store(_ entry: Entry, _ key: String, _ index: Int) throws {
        try Directory.create(path + "/" + key, mode: 0o755)
        try AtomicFile.write(entry.image, to: file(key, index, ".png"))
        try AtomicFile.write(entry.mask, to: file(key, index, "-mask.png"))
        try AtomicFile.write(entry.overlay, to: file(key, index, "-overlay.png"))
        var record = entry.record
        record.key = digest(entry.image, entry.mask, entry.overlay)
        try AtomicFile.write(JSONEncoder([.sortedKeys, .withoutEscapingSlashes]).encode(record), to: file(key, index, ".json"))
        touch(key)
    }

    /// The time of a folder is that of its last use.
    private func touch(_ key: String) { utimes(path + "/" + key, nil) }

    /// Removes folders, the one not used for longest first, until the rest fits.
    func trim() throws {
        guard Folder.leadsToDirectory(path) else { return }
        var folders: [(name: String, bytes: Int, used: Int)] = []
        for name in try Folder.names(path) where Folder.isDirectory(path + "/" + name) {
            let folder = path + "/" + name
            if name.hasPrefix(".") {
                // Half removed by a process that was killed.
                try? Directory.removeTree(folder)
                continue
            }
            var status = stat()
            guard stat(folder, &status) == 0 else { continue }
            let bytes = ((try? Folder.names(folder)) ?? []).reduce(0) { sum, file in
                var status = stat()
                return stat(folder + "/" + file, &status) == 0 ? sum + Int(status.st_size) : sum
            }
            folders.append((name, bytes, status.st_mtim.tv_sec))
        }
        var total = folders.reduce(0) { $0 + $1.bytes }
        for folder in folders.sorted(by: { ($0.used, $0.name) < ($1.used, $1.name) }) where total > limit {
            // Renamed first: a reader finds all of it or nothing.
            let doomed = "\(path)/.\(folder.name).\(getpid())"
            guard rename(path + "/" + folder.name, doomed) == 0 else { continue }
            try? Directory.removeTree(doomed)
            total -= folder.bytes
        }
    }
}
