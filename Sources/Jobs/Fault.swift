import Files

/// One thing that is wrong with what somebody handed in: which file, which line, and one sentence that says
/// what is wrong and what would be right.
public struct Fault: Error, Equatable, Hashable, Sendable, CustomStringConvertible {
    /// The file as the user knows it (`job.yaml`, `prior/class_metadata.jsonl`), or an option (`--set rank`).
    public var file: String?
    /// Counted from 1.
    public var line: Int?
    public var message: String
    /// Whether the same may be in order later, with nobody mending it: a share does not answer, a disk reports a fault.
    public var mayPass = false

    /// What is said of a file fits on one line, whatever it quotes.
    public init(file: String? = nil, line: Int? = nil, _ message: String, mayPass: Bool = false) {
        self.mayPass = mayPass
        self.file = file?.onOneLine(atMost: 300)
        self.line = line
        self.message = file == nil ? message : message.onOneLine()
    }

    /// `file:line: message`, without what is not known.
    public var description: String {
        guard let file else { return message }
        guard let line else { return "\(file): \(message)" }
        return "\(file):\(line): \(message)"
    }
}

/// Every fault of one input at once, in the order of the files and their lines.
public struct FaultList: Error, Equatable, Sendable, CustomStringConvertible {
    public let faults: [Fault]

    public init(_ faults: [Fault]) {
        precondition(!faults.isEmpty, "FaultList: a list of no faults is no error")
        self.faults = faults
    }

    /// How many are spelt out.
    static let longest = 200

    /// One line per fault.
    public var description: String {
        let lines = faults.prefix(Self.longest).map(\.description)
        return (faults.count > lines.count ? lines + ["and \(faults.count - lines.count) more faults; mend these first"] : lines).joined(separator: "\n")
    }
}

extension [Fault] {
    /// Throws them all as one error, unless there are none.
    public func throwIfAny() throws(FaultList) {
        if !isEmpty { throw FaultList(self) }
    }
}
