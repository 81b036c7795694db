/// How a command ends. The numbers are those of BSD's `sysexits.h`.
public enum ExitStatus: Int32, Sendable, CaseIterable {
    case done = 0
    /// Wrong usage of the command line (`EX_USAGE`).
    case usage = 64
    /// Bad input: a job's folder, its specification, a configuration; what was made before stays (`EX_DATAERR`).
    case badInput = 65
    /// A model or a program is missing, or a model of the configuration is not in order (`EX_UNAVAILABLE`).
    case unavailable = 69
    /// Our own fault (`EX_SOFTWARE`).
    case software = 70
    /// A disk or another input or output failed (`EX_IOERR`).
    case inputOutput = 74
    /// Stopped on request with a resume point: run it again (`EX_TEMPFAIL`).
    case stopped = 75

    /// Whether the same job, started again without any change to it, may well end otherwise.
    public var isWorthRetrying: Bool {
        switch self {
        case .inputOutput, .stopped: true
        case .done, .usage, .badInput, .unavailable, .software: false
        }
    }
}
