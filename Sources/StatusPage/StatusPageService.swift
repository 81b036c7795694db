import Files
import Foundation
import Hummingbird
import JobStore
import Jobs
import Logging
import ServiceLifecycle

/// The status page over the daemon's queue. Where it cannot be had (its address is taken), the daemon works on without it.
public struct StatusPageService: Service {
    private let address: String
    private let application: any ApplicationProtocol
    private let logger: Logger

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
            configuration: .init(address: .hostname(host, port: port), serverName: "segmixd"), logger: quiet)
    }

    public func run() async throws {
        do {
            logger.info("The status page is at http://\(address)/")
            try await application.run()
        } catch {
            logger.warning("The status page cannot be served at \(address): \(error). Give `status_page` another address, or `none`; jobs run all the same")
        }
    }
}
