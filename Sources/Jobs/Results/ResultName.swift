import Files
import Foundation

/// How results are called in the outbox.
public enum ResultName {
    /// `NAME`, then `NAME-2`, `NAME-3`…; for a failed job `NAME.failed`, `NAME.failed-2`….
    ///
    /// - Parameters:
    ///   - attempt: counted from 1.
    ///   - folder: where it is to lie.
    public static func candidate(_ name: String, attempt: Int, in folder: String) -> String {
        precondition(attempt >= 1, "ResultName: attempt \(attempt)")
        let name = shortened(name, in: folder)
        return attempt == 1 ? name : "\(name)-\(attempt)"
    }

    /// The folder of a job that failed.
    public static func failed(_ name: String, in folder: String) -> String { withSuffix(name, ".failed", in: folder) }

    /// The folder of a job that was cancelled.
    public static func cancelled(_ name: String, in folder: String) -> String { withSuffix(name, ".cancelled", in: folder) }

    /// Still whole when `candidate` has shortened it.
    private static func withSuffix(_ name: String, _ suffix: String, in folder: String) -> String {
        shortened(name, to: longest(in: folder) - suffix.utf8.count) + suffix
    }

    /// Bytes of a name that leaves room for what is appended to it. File systems take 255 bytes; eCryptfs, on which encrypted shares
    /// lie, takes 143.
    private static func longest(in folder: String) -> Int { max(60, min(255, Directory.longestName(in: folder) ?? 255) - 35) }

    /// A name that leaves room in `folder` for what is appended to it.
    public static func shortened(_ name: String, in folder: String) -> String { shortened(name, to: longest(in: folder)) }

    /// The name of a file that goes to whatever outbox there is, an ending not counted.
    public static func shortenedForAll(_ name: String) -> String { shortened(name, to: 120) }

    private static func shortened(_ name: String, to longest: Int) -> String {
        guard name.utf8.count > longest else { return name }
        // By scalars: a letter with a hundred accents is one character.
        var short = String.UnicodeScalarView(), count = 0
        for scalar in name.unicodeScalars {
            count += UTF8.width(scalar)
            if count > longest { break }
            short.append(scalar)
        }
        return String(short)
    }

    /// The name as every file system takes it; nil where it is that already. exFAT, NTFS and shares of Windows refuse some characters, a
    /// dot or space at the end, and the names of devices.
    public static func portable(_ name: String) -> String? {
        var text = String(String.UnicodeScalarView(name.unicodeScalars.map { $0.value < 32 || "<>:\"|?*\\".unicodeScalars.contains($0) ? "_" : $0 }))
        while let last = text.last, last == "." || last == " " { text.removeLast() }
        let stem = (text.split(separator: ".", omittingEmptySubsequences: false).first ?? "").uppercased()
        let devices = ["CON", "PRN", "AUX", "NUL"] + ["COM", "LPT"].flatMap { port in (1...9).map { "\(port)\($0)" } }
        if text.isEmpty || devices.contains(stem) { text = "_" + text }
        return text == name ? nil : text
    }

    /// The name under which something lies in a folder: its own, or the portable one.
    public static func existing(_ name: String, in folder: String) -> String {
        guard let portable = portable(name), !Folder.exists(folder + "/" + name), Folder.exists(folder + "/" + portable) else { return name }
        return portable
    }

    /// Whether an error says that a name is none for the file system. Linux's exFAT, FAT and NTFS say EINVAL, others EILSEQ.
    public static func isRefused(_ code: Int32) -> Bool { code == EINVAL || code == EILSEQ }

    /// The hidden folder beside the result in which that of run `run` of `runs` is put together. It carries the job's own identity, so that
    /// a publication that was broken off is found again and finished.
    public static func partial(_ id: String, run: Int, of runs: Int) -> String { ".\(runs > 1 ? "\(id).\(run)" : id).partial" }

    /// The same of what failed or was cancelled, for all runs together.
    public static func failedPartial(_ id: String) -> String { ".\(id).failed.partial" }
}
