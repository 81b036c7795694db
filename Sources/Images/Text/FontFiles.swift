import Foundation

/// Where fonts lie on a Linux machine.
enum FontFiles {
    private static let folders = ["/usr/share/fonts", "/usr/local/share/fonts", NSHomeDirectory() + "/.local/share/fonts"]
    /// Upright sans-serif faces of wide coverage, the best first.
    private static let preferred = ["DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf", "FreeSans.ttf"]

    /// All font files, the preferred ones first, the others by name.
    static func all() -> [String] {
        let found = folders.flatMap { folder in
            (FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? [])
                .filter { name in [".ttf", ".otf", ".ttc"].contains { name.lowercased().hasSuffix($0) } }
                .map { folder + "/" + $0 }
        }
        func rank(_ path: String) -> Int { preferred.firstIndex { path.hasSuffix("/" + $0) } ?? preferred.count }
        return found.sorted { (rank($0), $0) < (rank($1), $1) }
    }
}
