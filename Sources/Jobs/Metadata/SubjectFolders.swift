import Files

/// A job's folder without `metadata.jsonl`: one folder of photos for each subject, named after its phrase.
///
/// `olis harry potter toy/` and `hta_corgi/` are the subjects "a" and "b", by name; without spaces in it, underscores
/// stand for them. Every JPEG and PNG directly in a subject's folder is a photo of it, but for `mask_PHOTO`, the mask of
/// the photo of that name, in capital or small letters.
struct SubjectFolders {
    /// How faults and `PhotoList.source` call what was inferred.
    static let source = "metadata.jsonl (inferred)"
    /// Folders that are something else.
    private static let others: Set<String> = ["prior", "priors", "masks", "samples"]
    private static let suffixes = [".jpg", ".jpeg", ".png"]
    /// Of pictures that are not read; passed over, they would be missed in the morning.
    private static let foreignSuffixes = [".heic", ".heif", ".webp", ".avif", ".tif", ".tiff", ".gif", ".bmp", ".dng", ".cr2", ".cr3", ".nef", ".arw"]

    /// The names of the subjects' folders, sorted.
    static func names(in root: String) throws(FileError) -> [String] {
        var found: [String] = []
        for name in try Folder.names(root).sorted() where !IgnoredFiles.contains(name) && !others.contains(name.lowercased()) {
            let path = root + "/" + name
            // A folder with metadata of its own is a job that was put one level too deep.
            guard Folder.leadsToDirectory(path), !leadsOut(name, of: root), !Folder.exists(path + "/metadata.jsonl") else { continue }
            let pictures = try pictures(in: path)
            if !pictures.names.isEmpty || !pictures.strange.isEmpty || !pictures.foreign.isEmpty { found.append(name) }
        }
        // One of masks, which lie beside the photos in other places; but somebody's subject may be a mask.
        if let mask = found.first(where: { $0.lowercased() == "mask" }), found.count > 1 {
            func stems(_ folder: String) throws(FileError) -> Set<String> {
                Set(try pictures(in: root + "/" + folder).names.map { String($0[..<$0.lastIndex(of: ".")!]).lowercased() })
            }
            var photos: Set<String> = []
            for folder in found where folder != mask { photos.formUnion(try stems(folder)) }
            if try stems(mask).isSubset(of: photos) { found.removeAll { $0 == mask } }
        }
        return found
    }

    /// Whether a folder is a link to one that lies elsewhere; what is there is not even looked at.
    private static func leadsOut(_ name: String, of root: String) -> Bool {
        do {
            try JobPath(root: root).refuseLinkOut(name)
            return false
        } catch {
            return true
        }
    }

    /// The pictures of a folder; `strange` are those whose names are not UTF-8, which nothing can be called by, and `foreign` those
    /// of kinds that are not read.
    private static func pictures(in folder: String) throws(FileError) -> (names: [String], strange: [String], foreign: [String]) {
        var names: [String] = [], strange: [String] = [], foreign: [String] = []
        for bytes in try RawPath(folder).names() {
            let name = String(decoding: bytes.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if IgnoredFiles.contains(name) { continue }
            if isForeignPicture(name) { foreign.append(name) }
            guard isPicture(name) else { continue }
            if Array(name.utf8).elementsEqual(bytes.lazy.map { UInt8(bitPattern: $0) }) { names.append(name) } else { strange.append(name) }
        }
        return (names.sorted(), strange.sorted(), foreign.sorted())
    }

    /// Whether a file is called like a photo.
    static func isPicture(_ name: String) -> Bool { ends(name, in: suffixes) }

    /// Whether a file is called like a picture of a kind that is not read.
    static func isForeignPicture(_ name: String) -> Bool { ends(name, in: foreignSuffixes) }

    private static func ends(_ name: String, in suffixes: [String]) -> Bool {
        suffixes.contains { name.lowercased().hasSuffix($0) && name.count > $0.count }
    }

    /// The list that the folders amount to, and every fault; nil where there is no folder of photos.
    static func read(_ paths: JobPath) -> (PhotoList, [Fault])? {
        var paths = paths, faults: [Fault] = []
        var list = PhotoList(source: source, subjects: [], photos: [])
        do throws(FileError) {
            let folders = try names(in: paths.root)
            let links = try Folder.names(paths.root).sorted().filter {
                !IgnoredFiles.contains($0) && !others.contains($0.lowercased()) && Folder.leadsToDirectory(paths.root + "/" + $0) && leadsOut($0, of: paths.root)
            }
            faults += twins(in: folders).map { Fault(file: $0, "looks like another folder of the job: its accents are written in another way (as on a Mac); rename one of the two") }
            faults += links.map { Fault(file: $0, "is a link that leaves the job's folder; copy the folder itself into it") }
            guard !folders.isEmpty || !links.isEmpty else { return nil }
            for (i, folder) in folders.enumerated() {
                let subject = SubjectEntry(key: key(i), phrase: phrase(folder))
                list.subjects.append(subject)
                let (names, strange, foreign) = try pictures(in: paths.root + "/" + folder)
                faults += strange.map { Fault(file: folder + "/" + $0, "has a name that is not UTF-8, shown here with � in its place; rename the file") }
                faults += foreign.map { Fault(file: folder + "/" + $0, "is a picture of a kind that is not read; save it as JPEG or PNG, or take it out of the folder") }
                let exactStem = { (name: String) in String(name[..<name.lastIndex(of: ".")!]) }, stem = { (name: String) in exactStem(name).lowercased() }
                faults += twins(in: names).map { Fault(file: folder + "/" + $0, "looks like another file of the folder: its accents are written in another way (as on a Mac); rename one of the two files") }
                let masks = names.filter { stem($0).hasPrefix("mask_") }
                for mask in masks where !names.contains(where: { stem($0) == stem(mask).dropFirst(5) }) {
                    faults.append(Fault(file: folder + "/" + mask, "is called like the mask of a photo that is not there; add the photo, or give it another name"))
                }
                for name in names {
                    for ending in ["_mask", "-mask", ".mask"] where stem(name).hasSuffix(ending) && names.contains(where: { stem($0) == stem(name).dropLast(ending.count) }) {
                        faults.append(Fault(file: folder + "/" + name, "looks like the mask of another photo, and would be taken for a photo; call it mask_PHOTO, after the photo of \(stem(name).dropLast(ending.count))"))
                    }
                }
                for name in names where !masks.contains(name) {
                    let mask = masks.first { exactStem($0).dropFirst(5) == exactStem(name) } ?? masks.first { stem($0).dropFirst(5) == stem(name) }
                    let files = [name] + (mask.map { [$0] } ?? [])
                    var found: [String] = []
                    for file in files {
                        do throws(JobPath.Refusal) { found.append(try paths.resolve(file, in: folder)) } catch {
                            faults.append(Fault(file: folder + "/" + file, error.reason, mayPass: error.mayPass))
                        }
                    }
                    guard found.count == files.count else { continue }
                    list.photos.append(PhotoEntry(
                        subject: subject.key, file: found[0], mask: mask == nil ? nil : found[1],
                        captions: ["A photo of a \(subject.phrase)"], line: list.photos.count + 2))
                }
            }
        } catch {
            return (list, [Fault(error.description, mayPass: error.mayPass)])
        }
        return (list, faults)
    }

    /// Names that are another's to Swift though not to the disk.
    private static func twins(in names: [String]) -> [String] {
        var seen: Set<String> = []
        return names.filter { !seen.insert($0).inserted }
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
