import Files
import Foundation
import Hummingbird
import HummingbirdTesting
import Jobs
import JobStore
import Logging
import ServiceLifecycle
import TestFolders
import Testing

@testable import StatusPage

@Suite struct StatusPageTests {
    /// A queue with some jobs and their files, and the page over it.
    private final class Place: Sendable {
        let path = NSTemporaryDirectory() + "segmix-page-\(UUID().uuidString)"
        let configuration: Jobs.Configuration
        let store: JobStore
        let ending = Ending()
        let application: Application<RouterResponder<BasicRequestContext>>

        init() throws {
            var configuration = Jobs.Configuration()
            configuration.state = path + "/state"
            configuration.outbox = path + "/outbox"
            configuration.statusToken = "secret"
            self.configuration = configuration
            let state = StateDirectory(configuration.state)
            try state.prepare()
            try Directory.create(configuration.outbox)
            store = try JobStore.openForDaemon(state).0
            application = Application(router: StatusRouter.make(configuration: configuration, store: store, token: "secret", host: "127.0.0.1", ending: ending))
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        /// Job 1 is running, 2 failed, 3 waits.
        func fill() throws {
            for (id, name) in [("1", "toys \"x\""), ("2", "bad"), ("3", "later")] {
                try store.add(JobRecord(id: id, name: name, source: "/x", claimed: Date(), runs: [.init(specificationFile: nil, name: "job")]))
            }
            try store.update("1") { $0.runs[0].state = .running }
            try store.setProgress(1, ProgressLine(phase: .train, step: 3, total: 9, loss: 0.25, secondsPerStep: 2))
            try store.update("2") { $0.runs[0].state = .running }
            try store.update("2") { $0.runs[0].state = .failed; $0.runs[0].error = "It is broken."; $0.failedAs = "bad.failed"; $0.state = .closed }
            let output = configuration.state + "/jobs/1/output/job"
            try write("{\"step\":1,\"loss\":0.5}\n{\"step\":2,\"loss\":0.25}\n{\"st", output + "/metrics.jsonl")
            try write("png", output + "/samples/step-2.png")
            for sheet in ["contact-sheet", "checkpoints", "candidates", "layout-7"] { try write("sheet", output + "/samples/\(sheet).png") }
            try write("hidden", output + "/.segmixd/x.txt")
            try write("secret", path + "/state/secret.txt")
            symlink(path + "/state/secret.txt", output + "/link.txt")
            symlink("samples/step-2.png", output + "/inner.png")
            try write("the log", configuration.state + "/jobs/1/logs/job.log")
            try write("<script>", configuration.outbox + "/bad.failed/report.html")
        }

        private func write(_ text: String, _ path: String) throws {
            try Directory.create(Directory.parent(of: path))
            try text.write(toFile: path, atomically: false, encoding: .utf8)
        }
    }

    /// The page as the daemon serves it.
    private func served(_ place: Place) throws -> (ServiceGroup, Task<Void, any Error>, port: UInt16) {
        let port = UInt16.random(in: 20_000..<30_000)
        try place.fill()
        var configuration = place.configuration
        configuration.statusPage = "127.0.0.1:\(port)"
        let logger = Logger(label: "test"), service = try StatusPageService(configuration: configuration, store: place.store, logger: logger)
        let group = ServiceGroup(services: [service], logger: logger)
        return (group, Task { try await group.run() }, port)
    }

    /// A socket that is connected to the page.
    private func connected(to port: UInt16, receiving bytes: Int32? = nil) async throws -> Int32 {
        let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        if var bytes { setsockopt(client, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<Int32>.size)) }
        (address.sin_family, address.sin_port, address.sin_addr.s_addr) = (sa_family_t(AF_INET), port.bigEndian, inet_addr("127.0.0.1"))
        for _ in 0..<100 {
            let isConnected = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(client, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 }
            }
            if isConnected { return client }
            try await Task.sleep(for: .milliseconds(50))
        }
        close(client)
        throw POSIXError(.ECONNREFUSED)
    }

    /// Hundreds of connections that say nothing take no more file descriptors than the daemon can spare.
    @Test func countlessConnections() async throws {
        let place = try Place(), (group, running, port) = try served(place)
        func descriptors() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count }
        let before = try descriptors()
        var clients: [Int32] = []
        for _ in 0..<300 { clients.append(try await connected(to: port)) }
        try await Task.sleep(for: .seconds(1))
        // Ours, the server's own few, and those that it has accepted.
        let taken = try descriptors() - before - clients.count
        #expect((50..<200).contains(taken), "\(taken)")
        clients.forEach { close($0) }
        // Then there is room again.
        let client = try await connected(to: port), request = Array("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".utf8)
        defer { close(client) }
        var patience = timeval(tv_sec: 20, tv_usec: 0), answer = [UInt8](repeating: 0, count: 15)
        setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        #expect(send(client, request, request.count, Int32(MSG_NOSIGNAL)) == request.count)
        #expect(recv(client, &answer, 15, Int32(MSG_WAITALL)) == 15 && String(decoding: answer, as: UTF8.self) == "HTTP/1.1 200 OK")
        await group.triggerGracefulShutdown()
        try await running.value
    }

    /// The daemon ends although somebody asks and asks, and reads nothing of what is answered.
    @Test func aClientThatDoesNotReadIsNotWaitedFor() async throws {
        let place = try Place(), (group, running, port) = try served(place)
        let client = try await connected(to: port, receiving: 4096)
        defer { close(client) }
        let request = Array("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".utf8)
        for _ in 0..<4000 where send(client, request, request.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)) < 0 { break }
        try await Task.sleep(for: .seconds(1))

        let began = ContinuousClock.now
        let rescue = Task {
            try await Task.sleep(for: .seconds(20))
            shutdown(client, Int32(SHUT_RDWR))
        }
        await group.triggerGracefulShutdown()
        try await running.value
        rescue.cancel()
        #expect(began.duration(to: .now) < .seconds(10))
    }

    private func text(_ response: TestResponse) -> String { String(buffer: response.body) }

    /// What was asked for in advance is not looked up while the daemon ends.
    @Test func nothingIsLookedUpAtTheEnd() async throws {
        let place = try Place()
        try await place.application.test(.router) { client in
            try await client.execute(uri: "/api/v1/jobs", method: .get) { #expect($0.status == .ok) }
            place.ending.begin()
            try await client.execute(uri: "/api/v1/jobs", method: .get) { #expect($0.status == .serviceUnavailable && $0.headers[.connection] == "close") }
        }
    }

    @Test func whatIsShown() async throws {
        let place = try Place()
        try place.fill()
        try await place.application.test(.router) { client in
            try await client.execute(uri: "/", method: .get) { response in
                #expect(response.status == .ok && text(response).contains("<title>segmixd</title>"))
                #expect(response.headers[.contentSecurityPolicy]?.hasPrefix("default-src 'none'") == true)
            }
            try await client.execute(uri: "/jobs/1", method: .get) { #expect($0.status == .ok) }
            try await client.execute(uri: "/api/v1/status", method: .get) { #expect(text($0).contains(#""counts":{"cancelled":0,"done":0,"failed":1,"publishing":0,"queued":1,"running":1}"#)) }
            var tag: String?
            try await client.execute(uri: "/api/v1/jobs", method: .get) { response in
                let decoder = JSONDecoder()
                decoder.dateDecodingStrategy = .iso8601
                let jobs = try decoder.decode([JobSummary].self, from: Data(buffer: response.body))
                #expect(jobs.map(\.number) == [1, 3, 2] && jobs[0].progress?.step == 3 && jobs[2].result == "bad.failed")
                tag = response.headers[.eTag]
            }
            try await client.execute(uri: "/api/v1/jobs", method: .get, headers: [.ifNoneMatch: try #require(tag)]) { #expect($0.status == .notModified) }
            try await client.execute(uri: "/api/v1/jobs?ended=0", method: .get) { #expect(!text($0).contains("bad")) }
            try await client.execute(uri: "/api/v1/jobs/1", method: .get) { #expect(text($0).contains(#""pictures":["samples/step-2.png"]"#)) }
            try await client.execute(uri: "/api/v1/jobs/1/loss", method: .get) { #expect(text($0) == "[[1,0.5],[2,0.25]]") }
            try await client.execute(uri: "/api/v1/jobs/1/log", method: .get) { #expect(text($0) == "the log") }
            try await client.execute(uri: "/api/v1/jobs/9", method: .get) { #expect($0.status == .notFound && text($0).contains("There is no job 9.")) }
            // To HEAD there is never a body, and refusals bear the same headers as answers.
            for path in ["/", "/api/v1/jobs/9", "/api/v1/jobs/1/files/nothing", "/nowhere"] {
                try await client.execute(uri: path, method: .head) { response in
                    #expect(response.body.readableBytes == 0 && response.headers[.xContentTypeOptions] == "nosniff", "\(path)")
                }
            }
            try await client.execute(uri: "/metrics", method: .get) { response in
                let lines = Set(text(response).split(separator: "\n").map(String.init))
                #expect(lines.isSuperset(of: [#"segmixd_jobs{state="running"} 1"#, #"segmixd_job_step{job="1",name="toys \"x\""} 3"#, #"segmixd_job_loss{job="1",name="toys \"x\""} 0.25"#]))
            }
        }
    }

    /// Only ordinary files of the job's own folder.
    @Test func filesStayInTheirFolder() async throws {
        let place = try Place()
        try place.fill()
        try await place.application.test(.router) { client in
            try await client.execute(uri: "/api/v1/jobs/1/files/samples/step-2.png", method: .get) {
                #expect($0.status == .ok && text($0) == "png" && $0.headers[.contentType] == "image/png")
            }
            try await client.execute(uri: "/api/v1/jobs/2/files/report.html", method: .get) { #expect($0.headers[.contentSecurityPolicy]?.hasPrefix("sandbox;") == true) }
            for path in ["link.txt", "inner.png", ".segmixd/x.txt", "../../../secret.txt", "%2e%2e/%2e%2e/%2e%2e/secret.txt", "..%2f..%2f..%2f..%2fsecret.txt", "samples", "samples/", "/etc/passwd", "nothing"] {
                try await client.execute(uri: "/api/v1/jobs/1/files/\(path)", method: .get) { #expect($0.status == .notFound && !text($0).contains("secret"), "\(path)") }
            }
        }
    }

    /// In several pieces.
    @Test func aLargeFileComesWhole() async throws {
        let place = try Place()
        try place.fill()
        let large = (0..<50_000).map { "\($0) " }.joined()
        try large.write(toFile: place.configuration.outbox + "/bad.failed/large.txt", atomically: false, encoding: .utf8)
        try await place.application.test(.router) { client in
            try await client.execute(uri: "/api/v1/jobs/2/files/large.txt", method: .get) { #expect($0.status == .ok && text($0) == large) }
        }
    }

    /// What takes its name meanwhile is another file.
    @Test func anOpenedFileStaysTheSame() throws {
        let place = try Place(), outbox = place.configuration.outbox, path = outbox + "/bad.failed/report.html"
        try place.fill()
        let file = try #require(OpenedFile("report.html", in: outbox + "/bad.failed", below: outbox))
        #expect(unlink(path) == 0 && symlink(place.path + "/state/secret.txt", path) == 0)
        #expect(try file.size == 8 && file.bytes(from: 0, 100) == Array("<script>".utf8) && file.bytes(from: 8, 100) == [])
        #expect(OpenedFile("report.html", in: outbox + "/bad.failed", below: outbox) == nil)
        // Nobody writes into a pipe that is read.
        #expect(unlink(path) == 0 && mkfifo(path, 0o600) == 0)
        #expect(OpenedFile("report.html", in: outbox + "/bad.failed", below: outbox) == nil)
    }

    @Test func changesNeedTheToken() async throws {
        let place = try Place()
        try place.fill()
        let right: HTTPFields = [.authorization: "Bearer secret"]
        try await place.application.test(.router) { client in
            for headers in [[:], [.authorization: "Bearer wrong"], [.authorization: "secret"]] as [HTTPFields] {
                try await client.execute(uri: "/api/v1/jobs/3/cancel", method: .post, headers: headers) { #expect($0.status == .unauthorized) }
            }
            #expect(try place.store.summary(3)?.state == .queued)
            // The scheme's case does not matter (RFC 9110, 11.1).
            try await client.execute(uri: "/api/v1/jobs/3/priority", method: .put, headers: [.authorization: "bearer secret"], body: ByteBuffer(string: #"{"priority": 0}"#)) { #expect($0.status == .ok) }
            try await client.execute(uri: "/api/v1/jobs/3/priority", method: .put, headers: right, body: ByteBuffer(string: #"{"priority": 7}"#)) { #expect($0.status == .ok) }
            try await client.execute(uri: "/api/v1/jobs/3/priority", method: .put, headers: right, body: ByteBuffer(string: #"{"priority": 7000}"#)) { #expect($0.status == .badRequest) }
            #expect(try place.store.summary(3)?.priority == 7)
            try await client.execute(uri: "/api/v1/jobs/3/cancel", method: .post, headers: right) { #expect(text($0) == #"{"state":"cancelled"}"#) }
            try await client.execute(uri: "/api/v1/jobs/3/cancel", method: .post, headers: right) { #expect($0.status == .conflict && text($0).contains("Job 3 is cancelled already.")) }
            try await client.execute(uri: "/api/v1/jobs/1/cancel", method: .post, headers: right) { #expect(text($0) == #"{"state":"running"}"#) }
            try await client.execute(uri: "/api/v1/jobs/2/retry", method: .post, headers: right) { #expect(text($0) == #"{"state":"queued"}"#) }
        }
        #expect(try place.store.cancellations() == [1] && place.store.work(excluding: [], mayRun: false) == .reopen(folder: "2"))
    }

    @Test(arguments: [
        ("127.0.0.1:99", true), ("127.0.0.1", true), ("localhost:7474", true), ("[::1]:80", true), ("Studio.lan:7474", true), ("", true),
        ("evil.example", false), ("1.2.3.evil", false), ("127.0.0.1.evil.example:80", false), ("999.1.1.1", false), ("[evil]", false),
    ])
    func namesOfOthersAreRefused(_ authority: String, _ isServed: Bool) {
        #expect(GuardMiddleware<BasicRequestContext>.isOurName(authority, host: "studio.lan") == isServed)
    }

    @Test func thisMachineInALocalNetwork() {
        for domain in [".local", ".lan:7474", ".home.arpa"] { #expect(GuardMiddleware<BasicRequestContext>.isOurName(Machine.name + domain, host: "0.0.0.0")) }
        for name in [Machine.name + ".evil.example", "x\(Machine.name).local"] { #expect(!GuardMiddleware<BasicRequestContext>.isOurName(name, host: "0.0.0.0")) }
    }

    @Test func theTokenIsMadeOnceAndKeptFromOthers() throws {
        let place = try Place()
        var configuration = place.configuration
        configuration.statusToken = nil
        let token = try StatusToken.load(configuration)
        #expect(try token.count == 40 && StatusToken.load(configuration) == token)
        var status = stat()
        #expect(stat(configuration.state + "/token", &status) == 0 && status.st_mode & 0o777 == 0o600)
        #expect(StatusToken.matches(token, token) && !StatusToken.matches("", token) && !StatusToken.matches(token + "x", token))
    }

    private func read(_ curves: LossCurves, _ path: String, points: Int) -> [[Double]] {
        let folder = Directory.parent(of: path)
        return OpenedFile(String(path.dropFirst(folder.count + 1)), in: folder, below: folder).map { curves.read($0, points: points) } ?? []
    }

    @Test func aCurveHasAnEnd() throws {
        let folder = try TemporaryFolder(), path = folder.file("metrics.jsonl")
        // Twenty bytes each.
        try (1...9).map { "{\"step\":\($0),\"loss\":1}\n" }.joined().write(toFile: path, atomically: false, encoding: .utf8)
        #expect(read(LossCurves(), path, points: 10).count == 9)
        let few = LossCurves(longest: 3), short = LossCurves(largest: 50)
        for _ in 0..<2 {
            #expect(read(few, path, points: 10) == [[1, 1], [2, 1], [3, 1]])
            #expect(read(short, path, points: 10) == [[1, 1], [2, 1]])
        }
    }

    @Test func aLongCurveIsThinnedOut() throws {
        let folder = try TemporaryFolder(), path = folder.file("metrics.jsonl")
        try (1...1000).map { "{\"step\":\($0),\"loss\":\($0 % 2 == 0 ? 1 : 3)}" }.joined(separator: "\n").write(toFile: path, atomically: false, encoding: .utf8)
        let curves = LossCurves()
        let curve = read(curves, path, points: 100)
        // The last line has no end yet.
        #expect(curve.count == 100 && curve[0] == [5, 19 / 9.0] && curve[99][0] == 994.5)
        #expect(read(curves, path + "x", points: 100).isEmpty)
    }

    @Test func aCurveGrowsWithItsFile() throws {
        let folder = try TemporaryFolder(), path = folder.file("metrics.jsonl")
        func append(_ text: String) throws {
            let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o644)
            defer { close(descriptor) }
            #expect(write(descriptor, text, text.utf8.count) == text.utf8.count)
        }
        let curves = LossCurves()
        try append("{\"step\":1,\"loss\":3}\n{\"step\":2,\"lo")
        #expect(read(curves, path, points: 10) == [[1, 3]])
        try append("ss\":2}\nno line of ours\n{\"step\":3,\"loss\":1}\n")
        #expect(read(curves, path, points: 10) == [[1, 3], [2, 2], [3, 1]])
        // Long: what was read is not read again, which a change of its beginning shows.
        let more = (4...200_000).map { "{\"step\":\($0),\"loss\":1}\n" }.joined()
        try append(more)
        #expect(read(curves, path, points: 10).count == 10)
        let descriptor = open(path, O_WRONLY)
        pwrite(descriptor, "x", 1, 0)
        close(descriptor)
        #expect(read(curves, path, points: 200_000).first == [1, 3])
        // Begun anew, as after a retry.
        truncate(path, 0)
        try append("{\"step\":1,\"loss\":9}\n")
        #expect(read(curves, path, points: 10) == [[1, 9]])
        unlink(path)
        symlink("/etc/passwd", path)
        #expect(read(curves, path, points: 10).isEmpty)
    }

    /// What was listed is found on its way to the outbox too, wherever it is at that moment; and so are the list, the curve and the log.
    @Test func aFileOnItsWayIsFound() async throws {
        let place = try Place()
        try place.fill()
        let output = place.configuration.state + "/jobs/1/output/job", outbox = place.configuration.outbox
        @Sendable func look(_ client: some TestClientProtocol, sourceLocation: SourceLocation = #_sourceLocation) async throws {
            for file in ["samples/step-2.png", "metrics.jsonl"] {
                try await client.execute(uri: "/api/v1/jobs/1/files/\(file)", method: .get) { #expect($0.status == .ok, "\(file)", sourceLocation: sourceLocation) }
            }
            try await client.execute(uri: "/api/v1/jobs/1", method: .get) { #expect(text($0).contains("samples\\/step-2.png") || text($0).contains("samples/step-2.png"), sourceLocation: sourceLocation) }
            try await client.execute(uri: "/api/v1/jobs/1/loss", method: .get) { #expect(text($0) == "[[1,0.5],[2,0.25]]", sourceLocation: sourceLocation) }
            try await client.execute(uri: "/api/v1/jobs/1/files/absent.png", method: .get) { #expect($0.status == .notFound, sourceLocation: sourceLocation) }
        }
        @Sendable func move(_ source: String, _ destination: String) throws {
            try Directory.create(Directory.parent(of: destination))
            try #require(rename(source, destination) == 0)
        }
        try await place.application.test(.router) { client in
            try await look(client)
            try place.store.update("1") { $0.runs[0].state = .publishing }
            let partial = outbox + "/.1.partial"
            try move(output + "/samples", partial + "/samples")
            try await look(client)
            try move(output + "/metrics.jsonl", partial + "/metrics.jsonl")
            try await look(client)
            try place.store.update("1") { $0.runs[0].publishedAs = "toys" }
            try move(partial, outbox + "/toys")
            try await look(client)
            try place.store.update("1") { $0.runs[0].state = .done }
            try await look(client)
        }
    }

    /// One that was cancelled goes another way.
    @Test func aFileOfACancelledJobIsFound() async throws {
        let place = try Place()
        try place.fill()
        let output = place.configuration.state + "/jobs/1/output/job", partial = place.configuration.outbox + "/.1.failed.partial"
        let picture = "/api/v1/jobs/1/files/samples/step-2.png"
        try await place.application.test(.router) { client in
            try place.store.update("1") { $0.runs[0].state = .cancelled }
            try await client.execute(uri: picture, method: .get) { #expect($0.status == .ok) }
            try Directory.create(partial)
            try #require(rename(output + "/samples", partial + "/samples") == 0)
            try await client.execute(uri: picture, method: .get) { #expect($0.status == .ok) }
            try place.store.update("1") { $0.failedAs = "toys.cancelled" }
            try #require(rename(partial, place.configuration.outbox + "/toys.cancelled") == 0)
            try await client.execute(uri: picture, method: .get) { #expect($0.status == .ok) }
            try place.store.update("1") { $0.state = .closed }
            try await client.execute(uri: picture, method: .get) { #expect($0.status == .ok) }
        }
    }

    /// Somebody who may write to the outbox puts links in the place of results.
    @Test(arguments: ["bad.failed/job.log", "bad.failed/metrics.jsonl", "bad.failed"])
    func aLinkInTheOutboxLeadsNowhere(_ link: String) async throws {
        let place = try Place()
        try place.fill()
        let target = place.path + "/elsewhere"
        try Directory.create(target)
        for name in ["job.log", "metrics.jsonl", "report.html"] { try "{\"step\":1,\"loss\":1}\nsecret\n".write(toFile: target + "/" + name, atomically: false, encoding: .utf8) }
        let path = place.configuration.outbox + "/" + link
        try? FileManager.default.removeItem(atPath: path)
        symlink(link.hasSuffix("failed") ? target : target + "/" + link.split(separator: "/")[1], path)
        try await place.application.test(.router) { client in
            try await client.execute(uri: "/api/v1/jobs/2/log", method: .get) { #expect(text($0) == "") }
            try await client.execute(uri: "/api/v1/jobs/2/loss", method: .get) { #expect(text($0) == "[]") }
            try await client.execute(uri: "/api/v1/jobs/2/files/job.log", method: .get) { #expect($0.status == .notFound) }
            if link == "bad.failed" { try await client.execute(uri: "/api/v1/jobs/2/files/report.html", method: .get) { #expect($0.status == .notFound) } }
        }
    }

    /// What somebody has already is not sent again: a page of pictures asks every two seconds.
    @Test func whatIsKnownIsNotSentAgain() async throws {
        let place = try Place()
        try place.fill()
        try await place.application.test(.router) { client in
            for path in ["/", "/api/v1/jobs/1", "/api/v1/jobs/1/loss", "/api/v1/jobs/1/log", "/api/v1/jobs/1/files/samples/step-2.png", "/api/v1/jobs"] {
                var tag: String?
                try await client.execute(uri: path, method: .get) { tag = $0.headers[.eTag] }
                try await client.execute(uri: path, method: .get, headers: [.ifNoneMatch: try #require(tag, "\(path)")]) { #expect($0.status == .notModified && $0.body.readableBytes == 0, "\(path)") }
                try await client.execute(uri: path, method: .head) { #expect($0.status == .ok && $0.body.readableBytes == 0, "\(path)") }
            }
            let picture = "/api/v1/jobs/1/files/samples/step-2.png"
            var tag: String?
            try await client.execute(uri: picture, method: .get) { tag = $0.headers[.eTag] }
            try "gnp2".write(toFile: place.configuration.state + "/jobs/1/output/job/samples/step-2.png", atomically: true, encoding: .utf8)
            try await client.execute(uri: picture, method: .get, headers: [.ifNoneMatch: try #require(tag)]) { #expect($0.status == .ok && text($0) == "gnp2") }
        }
    }

    /// Ten thousand that wait are counted, not listed, where somebody wants only some.
    @Test func theListIsAsLongAsWanted() async throws {
        let place = try Place()
        for i in 0..<30 { try place.store.add(JobRecord(id: "w\(i)", name: "w", source: "/x", claimed: Date(), runs: [.init(specificationFile: nil, name: "job")])) }
        try place.store.update("w0") { $0.runs[0].state = .running }
        try place.store.update("w1") { $0.runs[0].state = .running }
        try place.store.update("w1") { $0.runs[0].state = .publishing }
        func jobs(_ query: String) async throws -> [JobSummary] {
            let decoder = JSONDecoder()
            decoder.dateDecodingStrategy = .iso8601
            return try await place.application.test(.router) { client in
                try await client.execute(uri: "/api/v1/jobs" + query, method: .get) { try decoder.decode([JobSummary].self, from: Data(buffer: $0.body)) }
            }
        }
        #expect(try await jobs("").count == 30)
        #expect(try await jobs("?waiting=3").map(\.state) == [.running, .publishing, .queued, .queued])
        for (query, count) in [("?waiting=0&ended=0", 1), ("?waiting=-5", 1), ("?waiting=x", 30)] { #expect(try await jobs(query).count == count, "\(query)") }
    }

    /// What Prometheus demands of its text format.
    @Test func theNumbersAreWellFormed() throws {
        var summary = try JSONDecoder().decode(JobSummary.self, from: Data(#"{"number":7,"name":"","state":"running","priority":0,"attempts":1,"is_cancelling":false,"queued":0,"folder":"x"}"#.utf8))
        summary.name = "a \\ \"b\"\nline\r\n{x=\"1\"} ü"
        summary.progress = ProgressLine(phase: .train, step: 3, total: 2010, loss: 0.125, secondsPerStep: 1e-7)
        var other = summary
        other.number = 8
        other.progress = nil
        let text = PrometheusText(counts: [.running: 2, .queued: 10_000], running: [summary, other], notices: 1, freeBytes: 1 << 40).text
        #expect(text.hasSuffix("\n") && !text.contains("\n\n"))
        let sample = /([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*",?)*\})? (-?[0-9.e+-]+|NaN|[+-]Inf)/
        var families: [String] = [], seen: Set<String> = []
        for line in text.unicodeScalars.split(separator: "\n").map({ String(Substring($0)) }) {
            if line.hasPrefix("# HELP ") { families.append(String(line.split(separator: " ")[2])) } else if line.hasPrefix("# TYPE ") {
                #expect(line == "# TYPE \(families.last!) gauge")
            } else {
                let match = try #require(try sample.matchingSemantics(.unicodeScalar).wholeMatch(in: line), "\(line)")
                #expect(String(match.1) == families.last && Double(match.3) != nil)
                #expect(seen.insert(String(line[..<line.lastIndex(of: " ")!])).inserted)
            }
        }
        #expect(Set(families).count == families.count && families.count == 7 && seen.count == 8)
        #expect(text.contains(#"segmixd_job_step{job="7",name="a \\ \"b\"\nline"# + "\r" + #"\n{x=\"1\"} ü"} 3"# + "\n") && text.contains("segmixd_free_bytes 1099511627776\n"))
    }
}
