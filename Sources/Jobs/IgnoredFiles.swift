/// The files that file managers, copying programs and network stores leave in a folder. They are no part of a job.
public enum IgnoredFiles {
    /// `name` is a file's or folder's own name, without its path.
    public static func contains(_ name: String) -> Bool {
        if name.hasPrefix(".") { return true }                       // .DS_Store, ._photo.jpg, .Trashes, .nfs000…, .job.yaml.swp
        let lower = name.lowercased()
        if names.contains(lower) { return true }
        if name.hasSuffix("~") || (name.hasPrefix("~$")) { return true }
        return suffixes.contains { lower.hasSuffix($0) }
    }

    private static let names: Set<String> = [
        "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r", "__macosx", "@eadir", "#recycle", "#snapshot",
        "$recycle.bin", "system volume information", "lost+found", "@recently-snapshot", "@recycle", "picasa.ini", "network trash folder",
    ]
    private static let suffixes = [
        ".part", ".tmp", ".temp", ".crdownload", ".partial", ".filepart", ".download", ".opdownload", ".swp", ".swo", ".lnk", "@synoeastream",
        "@synoresource",
    ]
}
