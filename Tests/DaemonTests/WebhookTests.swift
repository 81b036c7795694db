import Files
import Foundation
import Jobs
import JobStore
import Synchronization
import Testing

@testable import Daemon

/// Webhooks at a server that answers, fails, refuses, or keeps silent.
@Suite(.serialized) struct WebhookTests {
    private static let worker = "case $INPUT in */bad) echo 'a00.jpg: it is no picture.'; exit 65;; esac; echo report > $OUTPUT/report.json"

    private struct Message: Decodable {
        let job: Int, name: String, state: String, result: String?, report: String?, error: String?
    }

    private func hook(_ shop: Workshop, _ number: Int64 = 1) -> JobRecord.Hook? { try? shop.store().job(number)?.record.runs[0].hook }

    @Test func aServerIsToldOfEveryEnd() async throws {
        let server = try WebServer { _ in .status(204) }
        defer { server.close() }
        let shop = try Workshop { ($0.onFinish, $0.onFailure) = (server.url, server.url) }
        try shop.drop("good \"toys\" ü\nand")
        try shop.drop("bad")
        #expect(try await shop.daemon(Self.worker).run() == .drained(failures: 1))
        let messages = try server.bodies.map { try JSONDecoder().decode(Message.self, from: Data($0.utf8)) }.sorted { $0.state < $1.state }
        #expect(messages.map(\.state) == ["done", "failed"])
        #expect(messages[0].name == "good \"toys\" ü\nand" && messages[0].report == shop.path + "/outbox/good \"toys\" ü\nand/report.json")
        #expect(messages[1].error?.hasPrefix("a00.jpg: it is no picture.\n\n") == true && messages[1].report == shop.path + "/outbox/bad.failed/error.txt")
        #expect(hook(shop, 1) == .done && hook(shop, 2) == .done)
    }

    /// While somebody is told of a failure, the job is taken up again and comes to another end.
    @Test func everyEndIsTold() async throws {
        let shop = try Workshop {
            let told = $0.outbox + "/../told"
            ($0.onFailure, $0.onFinish) = ("touch \(told).begun; sleep 1.5; echo failure >> \(told); true", "echo finish >> \(told); true")
        }
        try shop.drop("toys")
        try await shop.withDaemon("[ -e \(shop.path)/mended ] || exit 65; echo x > $OUTPUT/x") {
            try await shop.until("the failure") { shop.exists("told.begun") }
            shop.touch("mended")
            try shop.store(forReading: false).retry(1)
            try await shop.until("the result") { shop.exists("outbox/toys/x") }
            try await shop.until("both ends") { shop.read("told") == "failure\nfinish\n" && hook(shop) == .done }
        }
    }

    /// The queue's events are for everybody.
    @Test func secretsAreNotSaid() {
        #expect(HookRunner.name("https://user:pass@hooks.example.com:8443/services/T000/SECRET?token=1") == "hooks.example.com")
        #expect(HookRunner.name("/usr/local/bin/tell --token SECRET") == "/usr/local/bin/tell" && HookRunner.name("http://[::1") == "the webhook")
    }

    /// What curl would take for a pattern is a part of the URL.
    @Test func aURLWithBrackets() async throws {
        let server = try WebServer { _ in .status(204) }
        defer { server.close() }
        let shop = try Workshop { $0.onFinish = server.url + "?filter[kind]={a,b}[1-2]\\\"x" }
        try shop.drop("toys")
        #expect(try await shop.daemon(Self.worker).run() == .drained(failures: 0))
        #expect(server.bodies.count == 1 && hook(shop, 1) == .done)
    }

    /// Another time it works; what is no success is none, a redirection included.
    @Test(arguments: [500, 503, 404, 301]) func anErrorIsTriedAgain(_ status: Int) async throws {
        let server = try WebServer { .status($0 < 2 ? status : 200) }
        defer { server.close() }
        let shop = try Workshop { $0.onFinish = server.url }
        try shop.drop("toys")
        try await shop.withDaemon(Self.worker) { try await shop.until("the third try") { hook(shop) == .done } }
        #expect(server.bodies.count == 3 && Set(server.bodies).count == 1)
        #expect(try shop.store().events(1).map(\.text).filter { $0.hasPrefix("could not tell 127.0.0.1: ") }.count == 2)
    }

    @Test func aServerThatAlwaysFailsIsGivenUp() async throws {
        let server = try WebServer { _ in .status(500) }
        defer { server.close() }
        let shop = try Workshop { $0.onFinish = server.url }
        try shop.drop("toys")
        try await shop.withDaemon(Self.worker) { try await shop.until("the end") { hook(shop) == .failed } }
        #expect(server.bodies.count == 5)
        #expect(shop.exists("outbox/toys/report.json"))
    }

    @Test func aServerThatIsNotThereStopsNothing() async throws {
        let server = try WebServer { _ in .status(200) }
        server.close()
        let shop = try Workshop { ($0.onFinish, $0.onFailure) = (server.url, server.url) }
        for name in ["one", "bad", "two"] { try shop.drop(name) }
        #expect(try await shop.daemon(Self.worker).run() == .drained(failures: 1))
        #expect(shop.names("outbox") == ["bad.failed", "one", "two"])
        #expect((1...3).allSatisfy { hook(shop, $0) == .failed })
    }

    /// Nobody waits for it: not the next jobs, not an end of the daemon; and no crowd of messengers stands there.
    @Test(.timeLimit(.minutes(1))) func aServerThatIsSilentHoldsNothingUp() async throws {
        let isSilent = Mutex(true)
        let server = try WebServer { _ in isSilent.withLock { $0 } ? .silence : .status(200) }
        defer { server.close() }
        let shop = try Workshop { $0.onFinish = server.url }
        for i in 1...8 { try shop.drop("toys\(i)") }
        let clock = ContinuousClock()
        var stop: ContinuousClock.Instant?
        try await shop.withDaemon(Self.worker) {
            try await shop.until("all results") { shop.names("outbox").count == 8 }
            try await shop.until("the messengers") { server.bodies.count >= 4 }
            try await Task.sleep(for: .milliseconds(300))
            #expect(server.bodies.count == 4)
            stop = clock.now
        }
        #expect(try clock.now - #require(stop) < .seconds(10))
        // Who was not told is told by the next daemon.
        #expect((1...8).allSatisfy { hook(shop, $0) == .pending })
        isSilent.withLock { $0 = false }
        try await shop.withDaemon(Self.worker) { try await shop.until("the rest") { (1...8).allSatisfy { hook(shop, $0) == .done } } }
        #expect(server.bodies.count == 12)
    }

    @Test func aSilentServerIsWaitedForWithPatienceOnly() async throws {
        let server = try WebServer { _ in .silence }
        defer { server.close() }
        let shop = try Workshop()
        try shop.drop("toys")
        #expect(try await shop.daemon(Self.worker).run() == .drained(failures: 0))
        var configuration = shop.configuration
        configuration.onFinish = server.url
        let store = try shop.store(forReading: false), id = try #require(try store.job(1)?.record.id)
        let runner = HookRunner(
            configuration: configuration, store: store, logger: Workshop.logger, patience: .milliseconds(500))
        let clock = ContinuousClock()
        var isTold = true
        let taken = try await clock.measure { isTold = try await runner.perform(id, run: 0) }
        #expect(!isTold && hook(shop) == .pending && taken < .seconds(5))
    }

    /// The system takes no argument of more than 128 KiB.
    @Test func aLongErrorIsToldInShort() async throws {
        let server = try WebServer { _ in .status(200) }
        defer { server.close() }
        let shop = try Workshop { $0.onFailure = server.url }
        try shop.drop("bad")
        #expect(try await shop.daemon("head -c 20000 /dev/zero | tr '\\0' '\\1'; exit 65").run() == .drained(failures: 1))
        #expect(hook(shop) == .done)
        let message = try JSONDecoder().decode(Message.self, from: Data(#require(server.bodies.first).utf8))
        #expect(message.error?.hasSuffix("…") == true && message.error?.unicodeScalars.count == 4001)
        #expect(shop.read("outbox/bad.failed/error.txt")?.utf8.count ?? 0 > 20_000)
    }
}
