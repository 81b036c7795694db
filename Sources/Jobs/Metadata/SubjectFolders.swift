import Files

/// A job's folder without `metadata.jsonl`: one folder of photos for each subject, named after its phrase.
///
/// `olis harry potter toy/` and `hta_corgi/` are the subjects "a" and "b", by name; without spaces in it, underscores
/// stand for them. Every JPEG and PNG directly in a subject's folder is a photo of it, but for `mask_PHOTO`, the mask of
/// the photo of that name.
public struct SubjectFolders {
    /// How faults and `PhotoList.source` call what was inferred.
    static let source = "metadata.jsonl (inferred)"
    /// Folders that are something else.
    private static let others: Set<String> = ["prior", "masks", "samples"]
    private static let suffixes = [".jpg", ".jpeg", ".png"]

    /// The names of the subjects' folders, sorted.
    static func names(in root: String) throws(FileError) -> [String] {
        var found: [String] = []
        for name in try Folder.names(root).sorted() where !IgnoredFiles.contains(name) && !others.contains(name.lowercased()) {
            let path = root + "/" + name
            // A folder with metadata of its own is a job that was put one level too deep.
            guard Folder.leadsToDirectory(path), !Folder.exists(path + "/metadata.jsonl") else { continue }
            if try !pictures(in: path).isEmpty { found.append(name) }
        }
        return found
    }

    private static func pictures(in folder: String) throws(FileError) -> [String] {
        try Folder.names(folder).filter { name in
            !IgnoredFiles.contains(name) && suffixes.contains { name.lowercased().hasSuffix($0) && name.count > $0.count }
        }.sorted()
    }

    /// The list that the folders amount to, and every fault; nil where there is no folder of photos.
    static func read(_ paths: JobPath) -> (PhotoList, [Fault])? {
        var paths = paths, faults: [Fault] = []
        var list = PhotoList(source: source, subjects: [], photos: [])
        do throws(FileError) {
            let folders = try names(in: paths.root)
            guard !folders.isEmpty else { return nil }
            for (i, folder) in folders.enumerated() {
                let subject = SubjectEntry(key: key(i), phrase: phrase(folder))
                list.subjects.append(subject)
                let names = try pictures(in: paths.root + "/" + folder)
                let stem = { (name: String) in String(name[..<name.lastIndex(of: ".")!]) }
                let masks = names.filter { name in name.hasPrefix("mask_") && names.contains { stem($0) == stem(name).dropFirst(5) } }
                for name in names where !masks.contains(name) {
                    let mask = masks.first { stem($0).dropFirst(5) == stem(name) }
                    let files = [name] + (mask.map { [$0] } ?? [])
                    var found: [String] = []
                    for file in files {
                        do throws(JobPath.Refusal) { found.append(try paths.resolve(file, in: folder)) } catch {
                            faults.append(Fault(file: folder + "/" + file, error.reason))
                        }
                    }
                    guard found.count == files.count else { continue }
                    list.photos.append(PhotoEntry(
                        subject: subject.key, file: found[0], mask: mask == nil ? nil : found[1],
                        captions: ["A photo of a \(subject.phrase)"], line: list.photos.count + 2))
                }
            }
        } catch {
            return (list, [Fault(error.description)])
        }
        return (list, faults)
    }

    /// a, b, … z, aa, ab, …
    private static func key(_ index: Int) -> String {
        let letter = String(UnicodeScalar(UInt8(ascii: "a") + UInt8(index % 26)))
        return index < 26 ? letter : key(index / 26 - 1) + letter
    }

    private static func phrase(_ folder: String) -> String {
        let words = folder.contains(" ") ? folder[...] : folder.replacing("_", with: " ")[...]
        return words.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
}
