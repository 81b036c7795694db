import ArgumentParser
import Daemon
import Files
import Foundation
import Jobs
import JobStore
import Logging
import ServiceLifecycle
import StatusPage
import UnixSignals

/// The daemon that turns folders in the inbox into LoRAs in the outbox.
@main
struct Segmixd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "segmixd",
        abstract: "Watches the inbox and trains a Seg-Mix LoRA for every folder dropped there.",
        discussion: """
            Each job runs in a process of its own (`segmix run`). Stopped with SIGTERM, the daemon lets the running job write a \
            resume point; started again, it goes on from there.

            Exit status: 0 done, 1 drained but some job failed (see NAME.failed in the outbox), 64 wrong usage, 65 bad \
            configuration, 69 segmix is missing, 70 our fault, 74 disk or I/O (also: results wait for the outbox, or jobs for their model), 75 stopped before everything was drained, or jobs wait for `hours` or `not_before`.
            """,
        version: "segmixd \(Release.version)")

    @Option(name: .long, help: ArgumentHelp("The configuration file.", valueName: "file"), completion: .file(extensions: ["yaml", "yml"]))
    var config = Configuration.defaultPath

    @Flag(name: .long, help: "Take what is in the inbox, finish it, exit.")
    var drain = false

    static func main() async {
        ProcessSetting.prepare("segmixd")
        await main(nil)
    }

    func run() async throws {
        // Until the daemon listens for it, a wish to read the configuration again must not end it.
        if !drain { signal(SIGHUP, SIG_IGN) }
        let logger = Logger(label: "segmixd") { _ in JournalLogHandler() }
        do throws(Fault) { try EngineVariables.check() } catch { fail(error, .usage) }
        let configuration: Configuration
        do throws(FaultList) { configuration = try Configuration.load(config) } catch { fail(error, .badInput) }
        let worker: WorkerCommand
        do { worker = try WorkerCommand.besideThisExecutable() } catch { fail(error, .unavailable) }
        do {
            let file = config
            let load: @Sendable () throws -> Configuration = { () throws -> Configuration in try Configuration.load(file) }
            let daemon = try SegmixDaemon(
                configuration: configuration, worker: worker, drains: drain, signals: Self.endings(drains: drain), logger: logger, manager: ServiceManager.ofEnvironment,
                reload: drain ? nil : load
            ) { (store: JobStore) throws -> [any Service] in
                // A drain is over soon, and its end is its report.
                drain || configuration.statusPage == nil ? [] : [try StatusPageService(configuration: configuration, store: store, logger: logger)]
            }
            logger.info("segmixd \(Release.version), watching \(configuration.inbox); results go to \(configuration.outbox)")
            let outcome = try await daemon.run()
            throw ExitCode(outcome.exitCode(drains: drain))
        } catch let error as FileError {
            fail(error, .inputOutput)
        } catch let error as StoreError {
            fail(error, .inputOutput)
        } catch let error as Fault {
            fail(error, .badInput)
        } catch let code as ExitCode {
            throw code
        } catch {
            // What it holds may hold the configuration, and that secrets.
            JournalLogHandler.writeEnd("segmixd: something went wrong that should not be possible (\(type(of: error)))")
            Foundation.exit(ExitStatus.software.rawValue)
        }
    }

    /// What ends it gracefully: of a drain in a terminal also that the terminal is closed, unless `nohup` was asked to see to that.
    private static func endings(drains: Bool) -> [UnixSignal] {
        [.sigterm, .sigint] + (drains && !ProcessSetting.ignoresHangUp ? [.sighup] : [])
    }

    private func fail(_ error: any Error, _ status: ExitStatus) -> Never {
        JournalLogHandler.writeEnd("segmixd: \(error)")
        Foundation.exit(status.rawValue)
    }
}
