import Files

/// Decides when a folder of the inbox is complete: when nothing in it has changed for a while, or when it says so.
///
/// Time is handed in and comes from a clock that never jumps.
struct SettleTracker {
    enum Verdict: Equatable {
        /// Take it.
        case settled
        /// Look again then, at the latest.
        case waiting(until: ContinuousClock.Instant)
        /// Nobody knows when; a look at the next change or rescan is enough.
        case idle
    }

    let settle: Duration
    /// By the bytes of the name: two spellings of ü are two folders, and one text.
    private var seen: [RawPath: (fingerprint: FolderLook.Fingerprint, since: ContinuousClock.Instant)] = [:]

    init(settle: Duration) {
        self.settle = settle
    }

    mutating func observe(_ name: String, _ look: FolderLook, at now: ContinuousClock.Instant) -> Verdict {
        let name = RawPath(name)
        if seen[name]?.fingerprint != look.fingerprint || look.isLocked { seen[name] = (look.fingerprint, now) }
        if look.isLocked || look.isEmpty { return .idle }
        let due = seen[name]!.since + settle
        if look.isReady || now >= due {
            return .settled
        }
        return .waiting(until: due)
    }

    /// Forgets every folder that is not there any more.
    mutating func keep(_ names: some Collection<String>) {
        let names = Set(names.map { RawPath($0) })
        seen = seen.filter { names.contains($0.key) }
    }
}
