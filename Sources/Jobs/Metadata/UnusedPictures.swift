import Files

/// The pictures of a job's folder that its list does not name. They may be meant for something else, so they are no fault; but a
/// photo that was forgotten would be missed in the morning.
struct UnusedPictures {
    /// Relative to the job's folder, sorted.
    let files: [String]
    private let isInferred: Bool

    /// Looks where photos are looked for: in the job's folder itself, and in those that the list's photos lie in.
    init(_ list: PhotoList, in root: String) {
        let used = Set(list.photos.flatMap { [$0.file] + ($0.mask.map { [$0] } ?? []) })
        let stems = Set(used.map(JobPath.stem))
        var folders = Set(list.photos.map { photo in photo.file.lastIndex(of: "/").map { String(photo.file[..<$0]) } ?? "" })
        // Where the list is that of folders, masks are often put into one of their own.
        if list.isInferred { folders.formUnion(folders.flatMap { folder in ["masks", "mask"].map { folder.isEmpty ? $0 : folder + "/" + $0 } } + ["masks", "mask"]) }
        folders.insert("")
        folders.remove("prior")
        var files: [String] = []
        for folder in folders {
            for name in (try? Folder.names(folder.isEmpty ? root : root + "/" + folder)) ?? [] where !IgnoredFiles.contains(name) {
                let file = folder.isEmpty ? name : folder + "/" + name
                guard !used.contains(file), !Folder.leadsToDirectory(root + "/" + file) else { continue }
                // Beside the JPEG that was made of it the camera's own file is no photo that was forgotten.
                if SubjectFolders.isPicture(name) || SubjectFolders.isForeignPicture(name) && !stems.contains(JobPath.stem(file)) { files.append(file) }
            }
        }
        (self.files, isInferred) = (files.sorted(), list.isInferred)
    }

    /// What is to be said of them: at most one sentence of masks, and one of the others.
    var notes: [String] {
        let masks = isInferred ? files.filter { $0.hasPrefix("mask/") || $0.hasPrefix("masks/") || $0.contains("/mask/") || $0.contains("/masks/") } : []
        let others = files.filter { !masks.contains($0) }
        func named(_ files: [String]) -> String {
            files.prefix(5).map { $0.onOneLine() }.joined(separator: ", ") + (files.count > 5 ? " and \(files.count - 5) more" : "")
        }
        var notes: [String] = []
        if !masks.isEmpty { notes.append("\(named(masks)) \(masks.count == 1 ? "is" : "are") not used; the mask of a photo lies beside it, called mask_PHOTO") }
        guard let first = others.first else { return notes }
        let one = others.count == 1
        notes.append(isInferred && !first.contains("/")
            ? "\(named(others)) \(one ? "lies" : "lie") beside the subjects' folders and \(one ? "is" : "are") not used; a photo belongs into the folder of its subject"
            : "\(named(others)) \(one ? "is a picture" : "are pictures") that metadata.jsonl does not name; \(one ? "it is" : "they are") not used")
        return notes
    }
}
