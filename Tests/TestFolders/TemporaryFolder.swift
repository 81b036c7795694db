import Foundation

/// A folder of its own for one test; it goes with the test.
public final class TemporaryFolder: Sendable {
    public let path = NSTemporaryDirectory() + "segmix-test-\(UUID().uuidString)"
    public var url: URL { URL(fileURLWithPath: path) }

    public init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

    /// A copy of a folder, to be spoilt.
    public init(copying folder: String) throws { try FileManager.default.copyItem(atPath: folder, toPath: path) }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    public func file(_ name: String) -> String { path + "/" + name }

    /// Writes a file and the folders above it.
    public func write(_ text: String, to name: String) throws { try write(Data(text.utf8), to: name) }

    public func write(_ data: Data, to name: String) throws {
        try FileManager.default.createDirectory(atPath: (file(name) as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try data.write(to: URL(fileURLWithPath: file(name)))
    }

    public func read(_ name: String) throws -> String { try String(contentsOfFile: file(name), encoding: .utf8) }
    public func data(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: file(name))) }
    public func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: file(name)) }
    public func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: file(name)) }

    /// Names in a folder in it, hidden ones too, sorted; none where it is not there.
    public func names(_ folder: String = "") -> [String] { ((try? FileManager.default.contentsOfDirectory(atPath: file(folder))) ?? []).sorted() }

    /// Everything below it, sorted.
    public var contents: [String] { (FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []).sorted() }
}
