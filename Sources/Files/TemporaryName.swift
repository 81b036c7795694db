import Foundation

/// Names for what is not finished yet: hidden, in the directory of the finished thing, never used twice.
enum TemporaryName {
    /// `dir/NAME` → `dir/.NAME.4f1c….SUFFIX`; a long NAME is cut so that the file system takes the whole.
    static func beside(_ path: String, suffix: String) -> String {
        precondition(!path.isEmpty, "TemporaryName: empty path")
        let url = URL(fileURLWithPath: path)
        let random = String(UInt64.random(in: .min ... .max), radix: 16)
        var name = url.lastPathComponent
        while name.utf8.count > 100 { name.unicodeScalars.removeLast() }
        return Directory.joined(Directory.parent(of: path), ".\(name).\(random).\(suffix)")
    }

    /// Whether `name` was made by `beside(_:suffix:)`.
    static func matches(_ name: String, suffix: String) -> Bool {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count >= 4, parts[0].isEmpty, parts[parts.count - 1] == suffix else { return false }
        let random = parts[parts.count - 2]
        return (1...16).contains(random.count) && random.allSatisfy { $0.isASCII && $0.isHexDigit && !$0.isUppercase }
    }
}
