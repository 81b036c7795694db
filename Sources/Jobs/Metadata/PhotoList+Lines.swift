import Files

extension PhotoList {
    /// The list as a metadata file, whose names are relative to `folder` of the job's folder (empty: that itself).
    public func metadataLines(relativeTo folder: String = "") -> String {
        func name(_ file: String) -> String { JSON.quoted(!folder.isEmpty && file.hasPrefix(folder + "/") ? String(file.dropFirst(folder.count + 1)) : file) }
        let table = subjects.map { "\(JSON.quoted($0.key)): \(JSON.quoted($0.phrase))" }.joined(separator: ", ")
        let lines = photos.map { photo in
            var members = ["\"id\": \(JSON.quoted(photo.subject))", "\"file_name\": \(name(photo.file))"]
            if let mask = photo.mask { members.append("\"mask_path\": \(name(mask))") }
            members.append("\"text\": " + (photo.captions.count == 1 ? JSON.quoted(photo.captions[0]) : "[" + photo.captions.map(JSON.quoted).joined(separator: ", ") + "]"))
            return "{" + members.joined(separator: ", ") + "}"
        }
        return (["{\"id\": {\(table)}}"] + lines).joined(separator: "\n") + "\n"
    }

    /// Whether nobody wrote it: it was inferred from the folders of a job.
    public var isInferred: Bool { source == SubjectFolders.source }

    /// What is wrong with a photo, in the line that names it, where somebody wrote one.
    public func fault(of photo: PhotoEntry, _ message: String) -> Fault {
        isInferred ? Fault(file: photo.file, message) : Fault(file: source, line: photo.line, message)
    }

    /// What makes a mask that somebody has painted the photo's: “name it with …”.
    public func takesMask(of photo: PhotoEntry) -> String {
        guard isInferred else { return "name it with \"mask_path\"" }
        let slash = photo.file.lastIndex(of: "/").map { photo.file.index(after: $0) } ?? photo.file.startIndex
        let stem = photo.file[slash...].lastIndex(of: ".").map { photo.file[slash..<$0] } ?? photo.file[slash...]
        return "save it as \(photo.file[..<slash])mask_\(stem).png"
    }
}
