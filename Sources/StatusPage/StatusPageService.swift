import Files
import Foundation
import Hummingbird
import HummingbirdCore
import JobStore
import Jobs
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

/// The status page over the daemon's queue. Where it cannot be had (its address is taken), the daemon works on without it.
public struct StatusPageService: Service {
    private let address: String
    /// An application runs once.
    private let application: @Sendable () -> any ApplicationProtocol
    private let logger: Logger
    private let ending = Ending()
    private static let patience = Duration.seconds(3)
    private static let pause = Duration.seconds(10)
    /// More wait until others are closed: each takes a file descriptor, of which the daemon must never run out.
    private static let mostConnections = 100
    /// A connection is closed on which nothing has been read or written for so long, asked or not. The system takes up to some MiB at
    /// once for a slow reader, and says nothing while they drain.
    private static let longestStall = TimeAmount.minutes(15)

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
        application = { [quiet, ending] in
            Application(
                router: StatusRouter.make(configuration: configuration, store: store, token: token, host: host, ending: ending),
                server: .http1(configuration: .init(
                    additionalChannelHandlers: [IdleStateHandler(allTimeout: Self.longestStall), StallHandler()], idleTimeout: .seconds(30))),
                configuration: .init(
                    address: .hostname(host, port: port), serverName: "segmixd", availableConnectionsDelegate: MaximumAvailableConnections(Self.mostConnections)),
                onServerRunning: { _ in logger.info("The status page is at http://\(address)/") }, logger: quiet)
        }
    }

    /// Serves until the daemon ends. Where the address cannot be had (the network is not up yet, another program has it), it is tried again.
    public func run() async throws {
        var complaint: String?
        while true {
            do { return try await serve() } catch is CancellationError { return } catch {
                let text = "The status page cannot be served at \(address): \(error). It is tried again every \(Self.pause.components.seconds) s; give `status_page` another address, or `none`. Jobs run all the same"
                if text != complaint { logger.warning("\(text)") }
                complaint = text
            }
            do { try await cancelWhenGracefulShutdown { try await Task.sleep(for: Self.pause) } } catch { return }
        }
    }

    private func serve() async throws {
        let application = application()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await application.run() }
            // A client that does not read its answer is not waited for when the daemon ends.
            group.addTask {
                try await gracefulShutdown()
                ending.begin()
                try await Task.sleep(for: Self.patience)
            }
            try await group.next()
            group.cancelAll()
        }
    }
}

/// Whether the daemon is about to end: what clients have asked for in advance is not looked up any more.
final class Ending: Sendable {
    private let hasBegun = Atomic(false)

    var isUnderWay: Bool { hasBegun.load(ordering: .relaxed) }

    func begin() { hasBegun.store(true, ordering: .relaxed) }
}

/// Closes a connection that stands still: who asks for a large file and does not read it would keep its place for ever.
private final class StallHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard let idle = event as? IdleStateHandler.IdleStateEvent, idle == .all else { return context.fireUserInboundEventTriggered(event) }
        context.close(promise: nil)
    }
}
