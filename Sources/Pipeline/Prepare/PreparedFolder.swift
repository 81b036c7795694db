import Files
import Foundation
import Jobs

/// Where what a job lacked lies in its output: `masks` and `prior`.
struct PreparedFolder {
    let path: String
    var masks: String { path + "/masks" }
    var prior: String { path + "/prior" }
    var log: String { masks + "/masks.jsonl" }
    var priorList: String { prior + "/class_metadata.jsonl" }

    /// A photo's mask; of a given prior image beside where generated ones lie.
    func mask(named name: String, isPrior: Bool) -> String { isPrior ? "\(prior)/mask_\(name).png" : "\(masks)/\(name).png" }
    func overlay(named name: String, isPrior: Bool) -> String { "\(masks)/overlay-\(isPrior ? "prior-" : "")\(name).png" }

    /// Makes the folders, and removes what a killed process had not finished.
    func create(withPriors: Bool) throws(FileError) {
        for folder in [masks] + (withPriors ? [prior] : []) {
            try Directory.create(folder)
            try AtomicFile.removeLeftovers(in: folder)
        }
    }

    /// A name for each photo's mask: its own without suffix and folders, made unique in the order of the list. No mask of a photo is
    /// called as what else lies in `masks`: an overlay, that of a prior image, a prior image that was refused.
    static func names(_ files: [(file: String, isPrior: Bool)]) -> [String] {
        var taken: Set<String> = []
        return files.map { file, isPrior in
            let pieces = file.split(separator: "/").map(String.init)
            let last = pieces.last ?? "photo", stem = last.lastIndex(of: ".").map { String(last[..<$0]) } ?? last
            var candidate = (pieces.dropLast() + [stem]).joined(separator: "-"), n = 2
            if !isPrior, ["overlay-", "prior-", "rejected-"].contains(where: { candidate.lowercased().hasPrefix($0) }) { candidate = "photo-" + candidate }
            candidate = ResultName.shortenedForAll(ResultName.portable(candidate) ?? candidate)
            let plain = candidate
            while !taken.insert(candidate.lowercased()).inserted {
                candidate = "\(plain)-\(n)"
                n += 1
            }
            return candidate
        }
    }
}
