import Files
import Foundation

/// Finds the files that metadata names, without ever leaving the job's folder.
struct JobPath {
    /// The job's folder as given, and with every link resolved.
    let root: String
    private let realRoot: String
    /// What folders hold, for suggestions.
    private var listings: [String: Listing] = [:]

    /// - Throws: where the folder cannot be resolved.
    init(root: String) throws(FileError) {
        self.root = root
        guard let real = Directory.resolved(root) else { throw FileError("open the folder", root, code: errno) }
        realRoot = real
    }

    /// Why a name cannot be used, as the end of a sentence that begins with the name.
    struct Refusal: Error, Equatable {
        let reason: String
        /// See `Fault`.
        var mayPass = false
    }

    /// The name of an ordinary file inside the job's folder, relative to it and without `.` and doubled `/`.
    ///
    /// - Parameters:
    ///   - name: as the metadata has it.
    ///   - folder: that of the metadata file, relative to the job's folder; empty for the folder itself.
    mutating func resolve(_ name: String, in folder: String = "") throws(Refusal) -> String {
        guard !name.isEmpty else { throw Refusal(reason: "is empty; write the name of a file in the job's folder") }
        guard !name.contains("\0") else { throw Refusal(reason: "contains a NUL character") }
        guard !name.contains("\\") else { throw Refusal(reason: "contains a backslash; write folders with `/`") }
        guard !name.hasPrefix("/"), !name.hasPrefix("~/") else { throw Refusal(reason: "is an absolute path; copy the file into the job's folder and name it from there") }
        let pieces = name.split(separator: "/").map(String.init).filter { $0 != "." }
        guard !pieces.contains("..") else { throw Refusal(reason: "leaves the job's folder (`..`); copy the file into the job's folder") }
        guard !pieces.isEmpty, !name.hasSuffix("/") else { throw Refusal(reason: "is a folder, not a picture") }
        var relative = ((folder.isEmpty ? [] : [folder]) + pieces).joined(separator: "/"), status = stat()
        if stat(root + "/" + relative, &status) != 0 {
            let code = errno
            guard let same = sameLetters(relative), stat(root + "/" + same, &status) == 0 else { throw Refusal(reason: missing(relative, code), mayPass: FileError.mayPass(code)) }
            relative = same
        }
        try refuseLinkOut(relative)
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw Refusal(reason: status.st_mode & S_IFMT == S_IFDIR ? "is a folder, not a picture" : "is no ordinary file")
        }
        guard status.st_size > 0 else { throw Refusal(reason: "is an empty file (0 bytes); copy it again") }
        return relative
    }

    /// Refuses what is reached through a link that leaves the job's folder.
    func refuseLinkOut(_ relative: String) throws(Refusal) {
        guard let real = Directory.resolved(root + "/" + relative) else {
            if errno == ENOENT { return }
            throw Refusal(reason: "cannot be resolved: \(String(cString: strerror(errno)))", mayPass: FileError.mayPass(errno))
        }
        // By bytes: a name may begin with an accent, which would make one character with the slash before it.
        guard real.utf8.starts(with: (realRoot == "/" ? "/" : realRoot + "/").utf8) else {
            throw Refusal(reason: "is a link that leaves the job's folder; copy the file itself into it")
        }
    }

    /// The same name as the disk has it, where letters and their accents are stored in another way (NFC, NFD), or capital and small
    /// letters differ and no other is meant: Macs take the first apart, and on theirs and Windows' disks the second is the same name.
    private mutating func sameLetters(_ relative: String) -> String? {
        var present = ""
        for piece in relative.split(separator: "/").map(String.init) {
            guard let next = same(piece, in: present) else { return nil }
            var status = stat()
            // What lies behind a link that leads out is not looked at.
            if lstat(root + "/" + next, &status) == 0, status.st_mode & S_IFMT == S_IFLNK { do throws(Refusal) { try refuseLinkOut(next) } catch { return nil } }
            present = next
        }
        return present
    }

    /// What is meant by a piece of a name, with the folder that it lies in; nil where it could be two, or nothing is there.
    private mutating func same(_ piece: String, in folder: String) -> String? {
        let path = folder.isEmpty ? piece : folder + "/" + piece
        var status = stat()
        if lstat(root + "/" + path, &status) == 0 { return path }
        let listing = listing(folder), lower = piece.lowercased()
        guard let twin = listing.byName[lower], twin == piece || !listing.several.contains(lower) else { return nil }
        return folder.isEmpty ? twin : folder + "/" + twin
    }

    private mutating func missing(_ relative: String, _ code: Int32) -> String {
        if code == ELOOP { return "is a link that leads round in a circle" }
        if code == EACCES { return "may not be read; allow it (chmod)" }
        guard code == ENOENT || code == ENOTDIR else { return "cannot be read: \(String(cString: strerror(code)))" }
        // The first piece that is not there; is its twin?
        var present = ""
        for piece in relative.split(separator: "/").map(String.init) {
            var status = stat()
            guard let next = same(piece, in: present), lstat(root + "/" + next, &status) == 0 else {
                guard let twin = twin(of: piece, in: present) else { break }
                let what = twin.lowercased() == piece.lowercased() ? "capital and small letters differ" : "the name is nearly the same"
                return "is not there, but \(present.isEmpty ? twin : present + "/" + twin) is (\(what)); correct the name"
            }
            if status.st_mode & S_IFMT == S_IFLNK {
                if stat(root + "/" + next, &status) != 0 {
                    return "is a link to a file that does not exist; copy the file itself into the job's folder"
                }
                // What lies behind it is not even looked at: its names are not this job's to show.
                do throws(Refusal) { try refuseLinkOut(next) } catch { return error.reason }
            }
            present = next
        }
        return "is not there; add the file or correct the name"
    }

    /// A file of `folder` whose name differs from `name` in case or Unicode normalisation only, else in its suffix's
    /// spelling (`.jpeg`, `.JPG`).
    private mutating func twin(of name: String, in folder: String) -> String? {
        let listing = listing(folder)
        if let twin = listing.byName[name.lowercased()], Array(twin.utf8) != Array(name.utf8) { return twin }
        return listing.byStem[Self.stem(name)]
    }

    /// The names of one folder, found by what a slip leaves of them.
    private struct Listing {
        var byName: [String: String] = [:], byStem: [String: String] = [:]
        /// Names in small letters that several have.
        var several: Set<String> = []

        init(_ folder: String) {
            for name in ((try? Folder.names(folder)) ?? []).filter({ !IgnoredFiles.contains($0) }).sorted().reversed() {
                if byName.updateValue(name, forKey: name.lowercased()) != nil { several.insert(name.lowercased()) }
                let stem = JobPath.stem(name)
                if !stem.isEmpty { byStem[stem] = name }
            }
        }
    }

    /// A name without its suffix, in lower case.
    static func stem(_ name: String) -> String { name.lastIndex(of: ".").map { String(name[..<$0]).lowercased() } ?? name.lowercased() }

    private mutating func listing(_ folder: String) -> Listing {
        if let known = listings[folder] { return known }
        let found = Listing(folder.isEmpty ? root : root + "/" + folder)
        listings[folder] = found
        return found
    }
}
