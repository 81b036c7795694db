import Files
import Foundation

/// Puts a folder into the inbox so that it appears there whole: it is copied under a hidden name, flushed, and renamed.
public enum Submission {
    /// - Parameters:
    ///   - folder: what is copied; it stays where it is.
    ///   - name: what it is to be called; where that name is taken, `NAME-2`, `NAME-3`….
    /// - Returns: the name under which it lies in the inbox.
    public static func submit(_ folder: String, to inbox: String, as name: String) throws(FileError) -> String {
        guard Folder.leadsToDirectory(inbox) else { throw FileError("submit to", inbox, reason: "there is no such folder", remedy: "Mount the disk it is on, or correct `inbox` of the configuration") }
        let hidden = Directory.joined(inbox, ".\(ResultName.shortened(name, in: inbox)).\(UInt32.random(in: 0...(.max))).submitted")
        do throws(FileError) {
            // A link to a folder stands for the folder.
            guard let real = Directory.resolved(folder) else { throw FileError("submit", folder, code: errno) }
            // What is made there now tells the time that the inbox's file system goes by, which need not be this machine's.
            guard mkdir(hidden, 0o700) == 0 else { throw FileError("create", hidden, code: errno) }
            removeLeftovers(in: inbox, now: newestChange(RawPath(hidden)) ?? 0)
            rmdir(hidden)
            try TreeCopy.copy(real, to: hidden)
            // The daemon, which is another user, moves it, and needs the right to write in it for that.
            try openToGroup(FolderEntry(hidden))
            // Whoever wrote it has finished: nothing has to settle, and nobody is still at work.
            for name in [".ready", ".lock"] { try Directory.removeTree(hidden + "/" + name) }
            let mark = open(hidden + "/.ready", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o664)
            guard mark >= 0 else { throw FileError("write", hidden + "/.ready", code: errno) }
            // Whatever the umask is, and of the group that everything else in the inbox has.
            fchmod(mark, 0o664)
            if let group = RawPath(hidden).status?.st_gid { _ = fchown(mark, uid_t.max, group) }
            guard close(mark) == 0 || errno == EINTR else { throw FileError("write", hidden + "/.ready", code: errno) }
            try Directory.flush(hidden)
            var attempt = 1
            while true {
                let candidate = ResultName.candidate(name, attempt: attempt, in: inbox)
                if Directory.renameWithoutReplacing(hidden, Directory.joined(inbox, candidate)) {
                    try Directory.flush(inbox)
                    return candidate
                }
                let error = FileError("submit to", inbox, code: errno)
                // A share may have done it and not been able to say so, or have been asked twice.
                if !FileError.isRefusal(error.code) || error.code == ENOENT, (try? hasAppeared(hidden, as: candidate)) == true { return candidate }
                guard error.code == EEXIST || error.code == ENOTEMPTY else { throw error }
                attempt += 1
            }
        } catch {
            // By a name that a share still shows although it was renamed, what was submitted would be emptied.
            if (try? Folder.lists(hidden)) == true { try? Directory.removeTree(hidden) }
            throw error
        }
    }

    /// Whether a hidden folder lies under another name by now.
    /// - Throws: `FileError` where the inbox cannot be read.
    static func hasAppeared(_ hidden: String, as name: String) throws(FileError) -> Bool {
        let destination = Directory.joined(Directory.parent(of: hidden), name)
        if try Folder.lists(hidden) { return false }
        if try Folder.lists(destination) { return true }
        return try Folder.isThere(destination)
    }

    /// Copies that were broken off, once nothing has been written into them for a day.
    /// - Parameter now: by the clock of the inbox's file system; 0 where that keeps no times.
    static func removeLeftovers(in inbox: String, now: Int) {
        for name in (try? Folder.names(inbox)) ?? [] where name.hasPrefix(".") && name.hasSuffix(".submitted") {
            let path = Directory.joined(inbox, name)
            guard let newest = newestChange(RawPath(path)), newest > 0, now - newest > 86_400 else { continue }
            try? Directory.removeTree(path)
        }
    }

    /// When something in a tree was last changed, in seconds since 1970; nil where it cannot be read. Copies keep the times of what
    /// they are copies of, but not this one.
    private static func newestChange(_ path: RawPath) -> Int? {
        guard let status = path.status else { return nil }
        var newest = status.st_ctim.tv_sec
        if status.st_mode & S_IFMT == S_IFDIR {
            guard let names = try? path.names() else { return nil }
            for name in names {
                guard let inner = newestChange(path.appending(name)) else { return nil }
                newest = max(newest, inner)
            }
        }
        return newest
    }

    /// By what is opened: the group may put links in the place of what it may write to.
    private static func openToGroup(_ entry: FolderEntry) throws(FileError) {
        guard let mode = entry.status?.st_mode else { throw FileError("read", entry.path.text, code: errno) }
        switch mode & S_IFMT {
        case S_IFDIR:
            let folder = try entry.opened()
            for inner in try folder.entries() { try openToGroup(inner) }
            fchmod(folder.descriptor, mode & 0o7777 | 0o070)
        case S_IFREG:
            let descriptor = entry.open(O_RDONLY)
            guard descriptor >= 0 else { throw FileError("read", entry.path.text, code: errno) }
            defer { close(descriptor) }
            fchmod(descriptor, mode & 0o7777 | 0o060)
        default: break
        }
    }
}
