import Files
import Foundation
import Hummingbird
import HummingbirdCore
import JobStore
import Jobs
import Logging
import ServiceLifecycle

/// The status page over the daemon's queue. Where it cannot be had (its address is taken), the daemon works on without it.
public struct StatusPageService: Service {
    private let address: String
    private let application: any ApplicationProtocol
    private let logger: Logger
    private static let patience = Duration.seconds(3)
    /// More wait until others are closed: each takes a file descriptor, of which the daemon must never run out.
    private static let mostConnections = 100

    /// - Parameters:
    ///   - configuration: its `statusPage` is set.
    ///   - store: the daemon's own, so that it hears of requests at once.
    /// - Throws: `FileError` where the token cannot be made.
    public init(configuration: Jobs.Configuration, store: JobStore, logger: Logger) throws {
        guard let address = configuration.statusPage else { preconditionFailure("StatusPageService: no address") }
        self.address = address
        self.logger = logger
        let colon = address.lastIndex(of: ":")!
        let host = String(address[..<colon]).trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        guard let port = Int(address[address.index(after: colon)...]) else { preconditionFailure("StatusPageService: the address \(address)") }
        let token = try StatusToken.load(configuration)
        var quiet = logger
        quiet.logLevel = .warning
        application = Application(
            router: StatusRouter.make(configuration: configuration, store: store, token: token, host: host),
            server: .http1(configuration: .init(idleTimeout: .seconds(30))),
            configuration: .init(
                address: .hostname(host, port: port), serverName: "segmixd", availableConnectionsDelegate: MaximumAvailableConnections(Self.mostConnections)),
            logger: quiet)
    }

    public func run() async throws {
        do {
            logger.info("The status page is at http://\(address)/")
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { [application] in try await application.run() }
                // A client that does not read its answer is not waited for when the daemon ends.
                group.addTask {
                    try await gracefulShutdown()
                    try await Task.sleep(for: Self.patience)
                }
                try await group.next()
                group.cancelAll()
            }
        } catch is CancellationError {
        } catch {
            logger.warning("The status page cannot be served at \(address): \(error). Give `status_page` another address, or `none`; jobs run all the same")
        }
    }
}
