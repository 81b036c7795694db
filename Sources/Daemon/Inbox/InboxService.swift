import Files
import Foundation
import Jobs
import JobStore
import Logging
import ServiceLifecycle

/// Watches the inbox and hands every folder that has settled to the queue.
struct InboxService: Service {
    let configuration: Configuration
    let claim: Claim
    let recovery: Recovery
    let store: JobStore
    /// Is rung when something was taken.
    let changed: WakeSignal
    /// Ends when nothing is left to take.
    let drain: DrainState?
    /// Where folders are looked at and taken.
    let files: FileExecutor
    let logger: Logger
    private let signal = WakeSignal()
    private let stopping = Stopping()

    func run() async throws {
        try await stopping.whileNotStopped(then: { signal.raise() }) {
            await withTaskExecutorPreference(files) { await watch() }
        }
        // It may be over before its turn to end has come, which its group would take for a failure.
        try? await gracefulShutdown()
    }

    /// Ends after the folder that is being taken, before those after this service have ended.
    func takeNoMore() {
        stopping.stop()
        signal.raise()
    }

    private func watch() async {
        var events: InboxEvents?, complaint: String?
        var place: Place?, began: ContinuousClock.Instant?
        /// Draining, what cannot be taken is left behind.
        var given: Set<RawPath> = []
        var told: [String: String]?
        // What has left the inbox and is not in the queue, and why.
        var said: Set<String> = []
        var unfinished = Dictionary(uniqueKeysWithValues: ((try? recovery.unknown(in: claim.state.jobs)) ?? []).map { ($0, "") })
        var scan = InboxScan(configuration: configuration, logger: logger)
        let settle = Duration.seconds(configuration.settleSeconds)
        var unreadable: Set<RawPath> = []
        while !stopping.isStopped {
            // Mounted, unmounted, made anew: events come from the folder that was there before.
            let current = Place(configuration.inbox)
            let hasEnded = events?.hasEnded ?? true
            if current != place || (hasEnded && began.map { ContinuousClock.now - $0 > Self.pauseOfEvents } ?? true) {
                await events?.stop()
                events = current == nil ? nil : InboxEvents.start(inbox: configuration.inbox) { [signal] in signal.raise() }
                if current != place { complaint = nil }
                (place, began) = (current, .now)
            }
            // What is short on this system is said once, not with every look.
            if let text = events?.complaint, text != complaint {
                logger.warning("\(text)")
                complaint = text
            }
            let now = ContinuousClock.now
            let found = scan.look(at: now)
            unreadable = Set(found.unreadable.map { RawPath($0) })
            events?.follow(Set(found.folders.filter(found.waiting.contains).map { Directory.joined(configuration.inbox, $0) }))
            var hasTaken = finish(&unfinished, &said)
            for name in found.settled where !stopping.isStopped && !given.contains(RawPath(name)) {
                do {
                    let begun = claim.begun(name, among: unfinished.keys), record = try claim.take(name, goingOnWith: begun)
                    if let begun { unfinished[begun] = nil }
                    logger.info("Taken: \(name.onOneLine()) as \(record.id), \(record.runs.count == 1 ? "job \(record.runs[0].number)" : "\(record.runs.count) jobs from \(record.runs[0].number)")")
                    hasTaken = true
                    changed.raise()
                } catch let error as Claim.Unfinished {
                    let text = "The folder \(name.onOneLine()) is on its way out of the inbox: \(error.reason)"
                    unfinished[error.id] = text
                    if said.insert(text).inserted { logger.error("\(text)") }
                    scan.pause(name, at: now)
                    if drain != nil { given.insert(RawPath(name)) }
                } catch {
                    // Another daemon was quicker, or somebody has renamed it.
                    if (error as? FileError)?.code == ENOENT, (try? Folder.lists(Directory.joined(configuration.inbox, name))) == false { continue }
                    scan.refuse(name, error, at: now)
                    if drain != nil { given.insert(RawPath(name)) }
                }
            }
            let waiting = unfinished.filter { !$0.value.isEmpty }.map { ("inbox/taking/\($0.key)", $0.value) }
            let notices = Dictionary(uniqueKeysWithValues: scan.notices.sorted { $0.key < $1.key }.prefix(100).map { ("inbox/\($0.key)", $0.value) } + waiting)
            if notices != told, (try? store.setNotices(notices, prefix: "inbox/")) != nil { told = notices }
            if hasTaken { continue }
            if drain != nil, found.waiting.allSatisfy({ given.contains(RawPath($0)) }) { break }
            var pause = Duration.seconds(found.rhythm > 0 ? found.rhythm : configuration.rescanSeconds)
            if let next = found.next { pause = min(pause, max(.zero, next - ContinuousClock.now)) }
            await signal.wait(upTo: pause)
            // Copying a folder makes many events; one look for all of them is enough.
            if !stopping.isStopped { try? await Task.sleep(for: min(Duration.milliseconds(200), settle / 4), clock: .continuous) }
        }
        await events?.stop()
        // One that was stopped has left what it would still have taken.
        if !stopping.isStopped { drain?.inboxHasEnded(leaving: given.union(unreadable).count + unfinished.count) }
        changed.raise()
    }

    /// Goes on with folders that were on their way; true where one has arrived.
    /// - Parameter said: what the log has of them.
    private func finish(_ unfinished: inout [String: String], _ said: inout Set<String>) -> Bool {
        var hasArrived = false
        for id in unfinished.keys.sorted() {
            do {
                try recovery.adopt(id)
                unfinished[id] = nil
                hasArrived = true
                changed.raise()
            } catch {
                let text = "The folder \(claim.state.job(id)) is not in the queue yet: \(error)"
                unfinished[id] = text
                if said.insert(text).inserted { logger.warning("\(text)") }
            }
        }
        return hasArrived
    }

    /// Where a system has no events to give, it is asked for some again after that.
    private static let pauseOfEvents = Duration.seconds(60)

    /// A folder, told apart from another that takes its name.
    private struct Place: Equatable {
        let device: dev_t, inode: ino_t

        init?(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            (device, inode) = (status.st_dev, status.st_ino)
        }
    }
}
