import Files

/// Why a picture cannot be used: one sentence that names the file and what to do about it.
public struct ImageError: Error, Equatable, CustomStringConvertible, Sendable {
    public enum Kind: Sendable {
        /// There is no such file, or it cannot be opened or read.
        case unreadable
        /// The disk or the share that it lies on failed, which may pass.
        case inputOutput
        /// Not a regular file.
        case notAFile
        /// A kind of picture that is not read here, or none at all.
        case unknownKind
        /// Cut short, or its content contradicts itself.
        case damaged
        /// A valid file with something that is not supported.
        case unsupported
        /// Width or height zero, or more pixels than `ImageFile.pixelLimit`.
        case size
    }

    public let kind: Kind
    /// The file, as the caller calls it.
    public let file: String
    /// What is wrong, then what would be right.
    public let problem: String
    public let remedy: String

    public init(_ kind: Kind, file: String, _ problem: String, remedy: String) {
        (self.kind, self.file, self.problem, self.remedy) = (kind, file, problem, remedy)
    }

    public var description: String { "\(file.onOneLine()): \(problem.onOneLine()); \(remedy)." }
}
