import Foundation

/// Paths of a configuration file: made absolute and plain.
enum ConfigurationPath {
    /// `path` seen from the working directory, without `.`, `..` and doubled `/`.
    static func absolute(_ path: String) -> String { absolute(path, from: workingDirectory) }

    /// `text` seen from `folder`, without `.`, `..` and doubled `/`.
    static func absolute(_ text: String, from folder: String) -> String {
        var pieces: [Substring] = []
        for piece in (text.hasPrefix("/") ? text : folder + "/" + text).split(separator: "/") where piece != "." {
            if piece == ".." { _ = pieces.popLast() } else { pieces.append(piece) }
        }
        return "/" + pieces.joined(separator: "/")
    }

    private static var workingDirectory: String {
        guard let raw = getcwd(nil, 0) else { return "/" }
        defer { free(raw) }
        return String(cString: raw)
    }
}

extension KeyedValues {
    /// A path, absolute; a relative one is relative to `folder`. Nothing is put in for `~` and variables: a service has no home, and what
    /// looks like one would become a folder of that name.
    func path(_ key: String, from folder: String) -> String? {
        guard let text = string(key), let node = value(key) else { return nil }
        let isWindows = text.contains("\\") || text.dropFirst().hasPrefix(":") && text.first?.isLetter == true
        guard !text.hasPrefix("~"), !text.hasPrefix("$"), !isWindows else {
            return wrong(node, key, "a path that is written out, such as `/srv/segmixd`", nil)
        }
        return ConfigurationPath.absolute(text, from: folder)
    }
}
