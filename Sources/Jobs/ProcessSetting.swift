import Foundation

/// What both programs need of the process that they run in.
public enum ProcessSetting {
    /// Ends the program where there is no `/proc`: Swift reads the command line there, and would find an empty one.
    public static func prepare(_ program: String) {
        // A file that would become larger than `ulimit -f` allows is an error of writing like any other.
        signal(SIGXFSZ, SIG_IGN)
        // One that a parent ignores would be ignored here too, and how a process of ours ended could not be known.
        signal(SIGCHLD, SIG_DFL)
        // Folders that lie deep in one another are walked with each of them open, and so is every shard of a model.
        var files = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files) == 0, files.rlim_cur < min(files.rlim_max, 65_536) {
            files.rlim_cur = min(files.rlim_max, 65_536)
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files)
        }
        guard access("/proc/self/cmdline", R_OK) != 0 else { return }
        FileHandle.standardError.write(Data("\(program): /proc is not there; mount it (mount -t proc proc /proc)\n".utf8))
        exit(ExitStatus.unavailable.rawValue)
    }

    /// Whether a terminal that is closed is to end nothing, as `nohup` sees to it.
    public static var ignoresHangUp: Bool {
        var action = sigaction()
        sigaction(SIGHUP, nil, &action)
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    }
}
